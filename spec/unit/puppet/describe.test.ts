import { expect, test } from 'vitest';
import { type Bytes, fromText } from '../../../src/os/bytes.ts';
import { describeCommand } from '../../../src/puppet/describe.ts';

const shown = (...argv: (string | Bytes)[]) =>
  describeCommand({
    mode: 'agent',
    executable: fromText('/usr/bin/ruby'),
    argv: argv as Bytes[],
    directory: fromText('/'),
    user: 0,
  });

test.each<[string, string[], string]>([
  ['from its own name on', ['/usr/bin/ruby', '/usr/bin/puppet', 'agent', '--test'], 'puppet agent --test'],
  ['without options of Ruby', ['ruby', '-W0', '/bin/puppet', 'agent'], 'puppet agent'],
  [
    'quoted for a shell',
    ['ruby', 'puppet', 'apply', '-e', "notice('x')", ''],
    "puppet apply -e 'notice('\\''x'\\'')' ''",
  ],
  [
    'newlines as escapes, so that it stays one line',
    ['ruby', 'puppet', 'apply', '-e', 'a\nb'],
    "puppet apply -e 'a\\x0ab'",
  ],
  ['escape sequences without harm', ['ruby', 'puppet', 'apply', '\x1b[2J'], "puppet apply '\\x1b[2J'"],
  ['a word that is Puppet once more', ['ruby', 'puppet', 'apply', 'puppet'], 'puppet apply puppet'],
])('people see %s', (_, argv, expected) => {
  expect(shown(...argv)).toBe(expected);
});

test('a long command is cut at 200 characters', () => {
  const line = shown('ruby', 'puppet', 'apply', '-e', 'x'.repeat(500));
  expect(line).toBe(`puppet apply -e ${'x'.repeat(181)}...`);
  expect(line).toHaveLength(200);
});
