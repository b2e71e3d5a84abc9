import { describe, expect, test } from 'vitest';
import { type Bytes, fromText } from '../../../src/os/bytes.ts';
import { flag, isSure, lastValue, parseArguments, text } from '../../../src/puppet/arguments.ts';

const parse = (...words: string[]) => parseArguments(words.map(fromText), 'agent');

/** `name=value` for an option, the bare value for an operand; `~` before what Puppet ignores, `?` before what is a guess. */
function readable(subcommand: 'apply' | 'agent', words: string[]) {
  return parseArguments(words.map(fromText), subcommand).map(
    ({ name, value, ignored, unsure }) =>
      `${ignored ? '~' : ''}${unsure ? '?' : ''}${name === undefined ? value : `${name}=${value}`}`,
  );
}

describe('the command line of `puppet apply` and `puppet agent`', () => {
  test.each<[string, string[], string[]]>([
    ['nothing', [], []],
    ['a manifest', ['site.pp'], ['site.pp']],
    ['a flag', ['--test'], ['test=true']],
    ['a flag does not eat the manifest', ['--verbose', 'site.pp'], ['verbose=true', 'site.pp']],
    ['a flag turned off', ['--no-splay'], ['splay=false']],
    ['a setting with underscores', ['--use_cached_catalog'], ['use_cached_catalog=true']],
    ['a setting with dashes, as Puppet 8 takes it', ['--use-cached-catalog'], ['use_cached_catalog=true']],
    ['a setting turned off with underscores is ignored', ['--no_daemonize'], ['~daemonize=false']],
    ['a setting in upper case is ignored', ['--NOOP'], ['~noop=true']],
    ['a value after a space', ['--server', 'puppet.example.com'], ['server=puppet.example.com']],
    ['a value after `=`', ['--server=puppet.example.com'], ['server=puppet.example.com']],
    ['an empty value after `=`', ['--tags='], ['tags=']],
    ['an empty value after a space', ['--tags', ''], ['tags=']],
    ['a value with `=`', ['--tags=a=b'], ['tags=a=b']],
    ['a negative number as a value', ['--runinterval', '-1', 'x'], ['runinterval=-1', 'x']],
    ['a setting that begins with no but is not turned off', ['--node_name_fact', 'x'], ['node_name_fact=x']],
    ['short flags', ['-t', '-v'], ['test=true', 'verbose=true']],
    ['short flags in one word', ['-tvd'], ['test=true', 'verbose=true', 'debug=true']],
    ['short flags with a dash between them', ['-t-v'], ['test=true', 'verbose=true']],
    ['a dash alone', ['-'], ['-']],
    ['everything after `--`', ['--test', '--', '--noop', 'x'], ['test=true', '--noop', 'x']],
    ['`--` alone', ['--'], []],
    ['an empty argument', [''], ['']],
    ['an option after an operand', ['a.pp', '--test'], ['a.pp', 'test=true']],
  ])('%s', (_, words, expected) => {
    expect(readable('agent', words)).toEqual(expected);
    expect(readable('apply', words)).toEqual(expected);
  });

  test.each<[string, 'apply' | 'agent', string[], string[]]>([
    ['a manifest after -e', 'apply', ['-e', 'notice(1)'], ['execute=notice(1)']],
    ['a manifest in the same word as -e', 'apply', ['-einfo(1)'], ['execute=info(1)', 'onetime=true']],
    ['flags, and at the end of the word an option', 'apply', ['-te', 'x'], ['test=true', 'execute=x']],
    ['-o and -D', 'agent', ['-o', '-D'], ['onetime=true', 'daemonize=true']],
    ['-E', 'apply', ['-E', 'test', 'a'], ['environment=test', 'a']],
    ['spaces and newlines', 'apply', ['-e', 'a {\n  b }', 'c d'], ['execute=a {\n  b }', 'c d']],
    ['--disable alone', 'agent', ['--disable'], ['disable=true']],
    ['--disable with a message', 'agent', ['--disable', 'for now'], ['disable=for now']],
    ['--disable before another option', 'agent', ['--disable', '--test'], ['disable=true', 'test=true']],
    ['a setting in the value of an option', 'apply', ['-e', '--noop'], ['execute=--noop', 'noop=true']],
    ['a setting in a line of a value', 'apply', ['-e', 'x\n--noop'], ['execute=x\n--noop', 'noop=true']],
    ['letters of a value that are an option', 'agent', ['-lsyslog'], ['logdest=syslog', 'onetime=true']],
  ])('%s', (_, subcommand, words, expected) => {
    expect(readable(subcommand, words)).toEqual(expected);
  });

  test.each<[string, 'apply' | 'agent', string[], string[]]>([
    ['of an option of the subcommand', 'agent', ['--tes'], ['test=true']],
    ['of one with dashes', 'apply', ['--detailed-exitcode', 'a.pp'], ['detailed_exitcodes=true', 'a.pp']],
    ['of each of its words', 'apply', ['--d-e', 'a.pp'], ['detailed_exitcodes=true', 'a.pp']],
    [
      'before a setting',
      'agent',
      ['--detailed-exitcode', '--noop'],
      ['detailed_exitcodes=true', 'noop=true'],
    ],
    ['of one with a value', 'agent', ['--job-i', '7', 'x'], ['job_id=7', 'x']],
    ['of one with a value after `=`', 'apply', ['--exec=a'], ['execute=a']],
    ['of a flag among the settings: ignored', 'agent', ['--noo'], ['~noop=true']],
    ['of one turned off: ignored', 'agent', ['--no-daem', 'x'], ['~daemonize=false', 'x']],
    ['of a setting with a value: ignored', 'agent', ['--certnam', 'x', 'y'], ['~certname=x', 'y']],
    ['that all candidates begin with', 'agent', ['--environmen', 'x', 'y'], ['~environment=x', 'y']],
    ['of an option of the other subcommand', 'agent', ['--exec', 'x'], ['?exec=true', '?x']],
    ['of several', 'agent', ['--d', 'x'], ['?d=true', '?x']],
  ])('a beginning %s', (_, subcommand, words, expected) => {
    expect(readable(subcommand, words)).toEqual(expected);
  });

  test.each<[string, 'apply' | 'agent', string[], string[]]>([
    ['a long option', 'apply', ['-v', '--newer', 'a.pp'], ['verbose=true', '?newer=true', '?a.pp']],
    ['a long option with a value', 'apply', ['--newer=b', 'a.pp'], ['?newer=b', '?a.pp']],
    ['a short option', 'agent', ['-z', '--test'], ['?unknown_z=true', '?test=true']],
    ['a short option of the other subcommand', 'agent', ['-e', 'x'], ['?unknown_e=true', '?x']],
  ])('what follows %s that is not known is a guess', (_, subcommand, words, expected) => {
    expect(readable(subcommand, words)).toEqual(expected);
    expect(isSure(parseArguments(words.map(fromText), subcommand))).toBe(false);
  });

  test('a setting that is a flag in some releases is turned off by `--no-`, and a guess otherwise', () => {
    expect(readable('agent', ['--no-strict_hostname_checking', 'x'])).toEqual([
      'strict_hostname_checking=false',
      'x',
    ]);
    expect(readable('agent', ['--strict_hostname_checking', 'x'])).toEqual([
      '?strict_hostname_checking=true',
      '?x',
    ]);
  });

  test('whether a dash alone is an optional value is a guess, as Rubies differ about it', () => {
    expect(readable('agent', ['--onetime', '--disable', '-'])).toEqual([
      'onetime=true',
      '?disable=true',
      '?-',
    ]);
    expect(readable('agent', ['--disable', '--', '-'])).toEqual(['disable=true', '-']);
  });

  test('bytes that are not UTF-8 stay as they are', () => {
    expect(
      parseArguments(['--tags', 'caf\xe9', '\xff'] as Bytes[], 'agent').map(({ value }) => value),
    ).toEqual(['caf\xe9', '\xff']);
  });

  test('an argument of 128 KiB', () => {
    const code = `notice('${'x'.repeat(128 * 1024)}')`;
    expect(text(parseArguments(['-e', code].map(fromText), 'apply'), 'execute')).toBe(code);
  });

  test('where each option stands, and how many words it takes', () => {
    expect(parse('-tv', '--job-id', '7', '--noop', '--tags=a', '-l', 'x', 'y')).toEqual([
      { name: 'test', value: true, at: 0, length: 1 },
      { name: 'verbose', value: true, at: 0, length: 1 },
      { name: 'job_id', value: '7', at: 1, length: 2 },
      { name: 'noop', value: true, at: 3, length: 1 },
      { name: 'tags', value: 'a', at: 4, length: 1 },
      { name: 'logdest', value: 'x', at: 5, length: 2 },
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
    ['--spla', undefined],
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
