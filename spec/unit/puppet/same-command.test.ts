import { describe, expect, test } from 'vitest';
import { fromText } from '../../../src/os/bytes.ts';
import { parseArguments } from '../../../src/puppet/arguments.ts';
import { appliesTheSame } from '../../../src/puppet/same-command.ts';

const split = (line: string) => parseArguments(line.split(' ').filter(Boolean).map(fromText), 'agent');
const same = (a: string, b: string) => [
  appliesTheSame(split(a), split(b)),
  appliesTheSame(split(b), split(a)),
];

describe('two command lines that apply the same', () => {
  test.each([
    ['', ''],
    ['--test', ''],
    ['-t', '--onetime --no-daemonize --no-splay'],
    ['-tv', '--onetime --verbose --show_diff --logdest /var/log/x'],
    ['-t --job-id 7', '-t --job-id 8'],
    ['-t --detailed-exitcode', '-t'],
    ['-t --waitforlock 5 --maxwaitforlock unlimited', '-t'],
    ['--splay --splaylimit 60 --waitforcert 0 --runinterval 30m --pidfile /x', ''],
    ['-t --server a --certname b', '--certname b --server a -t'],
    ['-t --tags a --tags b', '-t --tags b'],
    ['-t --no-noop --noop', '-t --noop'],
    ['-t -E test', '--environment=test --onetime'],
    ['-t --noo', '-t'],
    ['-t --use-cached-catalog', '-t --use_cached_catalog'],
    ['a b', 'a --test b'],
  ])('%j and %j', (a, b) => {
    expect(same(a, b)).toEqual([true, true]);
  });
});

describe('two command lines that may not', () => {
  test.each([
    ['-t --server a', '-t'],
    ['-t --server a', '-t --server b'],
    ['-t --certname a', '-t'],
    ['-t --environment a', '-t'],
    ['-t --noop', '-t'],
    ['-t --no-noop', '-t'],
    ['-t --tags a --tags b', '-t --tags b --tags a'],
    ['-t --tags a', '-t --skip_tags a'],
    ['-t --confdir /a', '-t --vardir /a'],
    ['-t --use_cached_catalog', '-t'],
    ['a', 'b'],
    ['a b', 'b a'],
    ['a', ''],
    ['--newer', '--newer'],
    ['-t --d', '-t'],
  ])('%j and %j', (a, b) => {
    expect(same(a, b)).toEqual([false, false]);
  });
});

test('of `puppet apply`: the manifest, and what is said of it', () => {
  const parse = (...words: string[]) => parseArguments(words.map(fromText), 'apply');
  expect(appliesTheSame(parse('a.pp'), parse('--detailed-exitcodes', 'a.pp', '-v'))).toBe(true);
  expect(appliesTheSame(parse('a.pp'), parse('b.pp'))).toBe(false);
  expect(appliesTheSame(parse('a.pp', '--modulepath', '/m'), parse('a.pp'))).toBe(false);
  expect(appliesTheSame(parse('-e', 'x'), parse('-e', 'y'))).toBe(false);
  expect(appliesTheSame(parse('--catalog', 'x'), parse('x'))).toBe(false);
  expect(appliesTheSame(parse('-L', 'x'), parse('x'))).toBe(false);
});
