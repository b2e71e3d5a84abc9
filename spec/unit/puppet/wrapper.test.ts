import { expect, test } from 'vitest';
import { fromText } from '../../../src/os/bytes.ts';
import { isWrapperOf } from '../../../src/puppet/wrapper.ts';

const run = {
  argv: ['/usr/bin/ruby', '/usr/bin/puppet', 'agent', '--onetime', '--no-daemonize'].map(fromText),
  prefix: 3,
};

test.each<[string, string[], boolean]>([
  ['flock', ['flock', '-n', '/run/x', '/usr/bin/puppet', 'agent', '--onetime', '--no-daemonize'], true],
  ['timeout, by the name alone', ['timeout', '60', 'puppet', 'agent', '--onetime', '--no-daemonize'], true],
  ['nice', ['/usr/bin/nice', '/opt/puppetlabs/bin/puppet', 'agent', '--onetime', '--no-daemonize'], true],
  ['a shell with one command', ['/bin/sh', '-c', 'cd "$HOME" puppet agent --onetime --no-daemonize'], true],
  ['a shell with two', ['sh', '-c', 'puppet agent --onetime; reboot'], false],
  ['a shell with a condition', ['bash', '-c', 'puppet agent --onetime || mail root'], false],
  ['a shell with something else', ['sh', '-c', '/root/bootstrap'], false],
  ['a script', ['/bin/sh', '/usr/local/sbin/run-puppet', 'agent', '--onetime', '--no-daemonize'], false],
  ['other arguments', ['timeout', '60', 'puppet', 'agent', '--onetime'], false],
  ['another subcommand', ['timeout', '60', 'puppet', 'apply', '--onetime', '--no-daemonize'], false],
  ['cron', ['/usr/sbin/cron', '-f'], false],
])('%s', (_, argv, is) => {
  expect(isWrapperOf(argv.map(fromText), run)).toBe(is);
});

test('a run without arguments of its own has no command line to end with', () => {
  expect(
    isWrapperOf(['timeout', 'puppet', 'agent'].map(fromText), { argv: run.argv.slice(0, 3), prefix: 3 }),
  ).toBe(true);
  expect(isWrapperOf(['cron', 'agent'].map(fromText), { argv: run.argv.slice(0, 3), prefix: 3 })).toBe(false);
});
