import { describe, expect, test } from 'vitest';
import { type Bytes, fromText } from '../../../src/bytes.ts';
import { flag, lastValue, parseArguments, text } from '../../../src/puppet/arguments.ts';

const parse = (...words: string[]) => parseArguments(words.map(fromText));

/** `name=value` for an option, the bare value for an operand. */
const readable = (...words: string[]) =>
  parse(...words).map(({ name, value }) => (name === undefined ? value : `${name}=${value}`));

describe('the command line of `puppet apply` and `puppet agent`', () => {
  test.each<[string, string[], string[]]>([
    ['nothing', [], []],
    ['a manifest', ['site.pp'], ['site.pp']],
    ['a flag', ['--test'], ['test=true']],
    ['a flag does not eat the manifest', ['--verbose', 'site.pp'], ['verbose=true', 'site.pp']],
    ['a flag turned off', ['--no-splay'], ['splay=false']],
    ['underscores as well as dashes', ['--use_cached_catalog'], ['use_cached_catalog=true']],
    ['a flag turned off, with underscores', ['--no_daemonize'], ['daemonize=false']],
    ['a value after a space', ['--server', 'puppet.example.com'], ['server=puppet.example.com']],
    ['a value after `=`', ['--server=puppet.example.com'], ['server=puppet.example.com']],
    ['an empty value after `=`', ['--tags='], ['tags=']],
    ['an empty value after a space', ['--tags', ''], ['tags=']],
    ['a value with `=`', ['--tags=a=b'], ['tags=a=b']],
    ['a value after a space that looks like an option', ['--tags', '--test'], ['tags=--test']],
    ['a setting that starts with no but is none of the flags', ['--node_name', 'x'], ['node_name=x']],
    ['a value that is missing', ['--tags'], ['tags=true']],
    ['short flags', ['-t', '-v'], ['test=true', 'verbose=true']],
    ['short flags in one word', ['-tvd'], ['test=true', 'verbose=true', 'debug=true']],
    ['a manifest after -e', ['-e', 'notice(1)'], ['execute=notice(1)']],
    ['a manifest in the same word as -e', ['-enotice(1)'], ['execute=notice(1)']],
    ['flags, and at the end of the word an option with a value', ['-te', '-x'], ['test=true', 'execute=-x']],
    ['-e without a manifest', ['-e'], ['execute=true']],
    ['an unknown short option', ['-z', 'a'], ['unknown_z=true', 'a']],
    ['-o and -D', ['-o', '-D'], ['onetime=true', 'daemonize=true']],
    ['a dash alone', ['-'], ['-']],
    ['everything after `--`', ['--test', '--', '--noop', 'x'], ['test=true', '--noop', 'x']],
    ['`--` alone', ['--'], []],
    ['an empty argument', [''], ['']],
    ['spaces and newlines', ['-e', 'a {\n  b }', 'c d'], ['execute=a {\n  b }', 'c d']],
    ['--disable alone', ['--disable'], ['disable=true']],
    ['--disable with a message', ['--disable', 'for now'], ['disable=for now']],
    ['--disable before another option', ['--disable', '--test'], ['disable=true', 'test=true']],
  ])('%s', (_, words, expected) => {
    expect(readable(...words)).toEqual(expected);
  });

  test('bytes that are not UTF-8 stay as they are', () => {
    expect(parseArguments(['--tags', 'caf\xe9', '\xff'] as Bytes[]).map(({ value }) => value)).toEqual([
      'caf\xe9',
      '\xff',
    ]);
  });

  test('an argument of 128 KiB', () => {
    const code = `notice('${'x'.repeat(128 * 1024)}')`;
    expect(text(parse('-e', code), 'execute')).toBe(code);
  });

  test('where each option stands, and how many words it takes', () => {
    expect(parse('-tv', '--job-id', '7', '--noop', '--tags=a', '-e', 'x', 'y')).toEqual([
      { name: 'test', value: true, at: 0, length: 1 },
      { name: 'verbose', value: true, at: 0, length: 1 },
      { name: 'job_id', value: '7', at: 1, length: 2 },
      { name: 'noop', value: true, at: 3, length: 1 },
      { name: 'tags', value: 'a', at: 4, length: 1 },
      { name: 'execute', value: 'x', at: 5, length: 2 },
      { name: undefined, value: 'y', at: 7, length: 1 },
    ]);
  });
});

describe('what counts', () => {
  test('the last one of several', () => {
    expect(lastValue(parse('--tags', 'a', '--tags=b'), 'tags')).toBe('b');
    expect(flag(parse('--noop', '--no-noop'), 'noop')).toBe(false);
    expect(flag(parse('--no-noop', '--noop'), 'noop')).toBe(true);
  });

  test.each<[string, boolean | undefined]>([
    ['--splay', true],
    ['--no-splay', false],
    ['--splay=true', true],
    ['--splay=TRUE', true],
    ['--splay=false', false],
    ['--noop', undefined],
  ])('%s says of splay: %s', (word, expected) => {
    expect(flag(parse(word), 'splay')).toBe(expected);
  });

  test('a flag is no text, and what is not given is nothing', () => {
    expect(text(parse('--test'), 'test')).toBeUndefined();
    expect(text(parse(), 'tags')).toBeUndefined();
    expect(lastValue(parse('tags'), 'tags')).toBeUndefined();
  });
});
