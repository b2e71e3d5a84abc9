import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  type Condition,
  describeCheck,
  describeCondition,
  formatCondition,
  LONGEST_CONDITION,
  parseCondition,
  parseEndpoint,
  wordsOf,
} from '../../../src/schedule/condition.ts';

const condition = (changes: Partial<Condition> = {}): Condition => ({
  exists: [],
  connects: [],
  succeeds: undefined,
  sensitive: false,
  interval: 5,
  timeout: 1800,
  onTimeout: 'run',
  ...changes,
});
const path = condition({ exists: ['/dev/x'] });

describe('the JSON of a condition', () => {
  test.each<[string, Condition]>([
    ['a path', path],
    [
      'all',
      condition({ exists: ['/a', '/b c'], connects: ['db:1', '[::1]:65535'], succeeds: 'true; false' }),
    ],
    ['words', condition({ succeeds: ['/bin/true', '', 'ü\n'], sensitive: true, onTimeout: 'drop' })],
  ])('%s', (_, given) => {
    expect(parseCondition(formatCondition(given))).toEqual(given);
  });

  test('is read as the define writes it: spec/defines/when_spec.rb has the same file', () => {
    expect(parseCondition(readFileSync('spec/fixtures/condition.json', 'utf8'))).toEqual({
      exists: ['/a', '/über'],
      connects: ['db1.example.com:5432', '[::1]:22'],
      succeeds: ['/usr/bin/pg_isready', '-q'],
      sensitive: false,
      interval: 60,
      timeout: 90,
      onTimeout: 'drop',
    });
  });

  test('null stands for no command', () => {
    expect(parseCondition(JSON.stringify({ ...path, succeeds: null }))).toEqual(path);
  });

  test.each<[string, unknown]>([
    ['nothing', ''],
    ['text', 'x'],
    ['null', null],
    ['a list', []],
    ['no condition at all', condition()],
    ['a relative path', { ...path, exists: ['dev/x'] }],
    ['a path of two lines', { ...path, exists: ['/a\nb'] }],
    ['a path with NUL', { ...path, exists: ['/a\0'] }],
    ['a path that is a number', { ...path, exists: [1] }],
    ['a path outside of a list', { ...path, exists: '/a' }],
    ['an endpoint without a port', { ...path, connects: ['db'] }],
    ['an empty command', { ...path, succeeds: '' }],
    ['no words', { ...path, succeeds: [] }],
    ['an empty first word', { ...path, succeeds: ['', 'x'] }],
    ['a word with NUL', { ...path, succeeds: ['x', 'a\0'] }],
    ['an interval of 0', { ...path, interval: 0 }],
    ['an interval of 3601', { ...path, interval: 3601 }],
    ['an interval of 1.5', { ...path, interval: 1.5 }],
    ['a timeout of 0', { ...path, timeout: 0 }],
    ['a timeout that is text', { ...path, timeout: '5' }],
    ['another word for on_timeout', { ...path, onTimeout: 'fail' }],
    ['sensitive as text', { ...path, sensitive: 'true' }],
    ['more than the kernel takes', { ...path, succeeds: 'x'.repeat(LONGEST_CONDITION) }],
  ])('%s is none', (_, value) => {
    expect(parseCondition(typeof value === 'string' ? value : JSON.stringify(value))).toBeUndefined();
  });
});

describe('an endpoint', () => {
  test.each<[string, string, number]>([
    ['db1.example.com:5432', 'db1.example.com', 5432],
    ['localhost:1', 'localhost', 1],
    ['127.0.0.1:65535', '127.0.0.1', 65_535],
    ['[::1]:22', '::1', 22],
    ['[fe80::1%eth0]:22', 'fe80::1%eth0', 22],
  ])('%s', (text, host, port) => {
    expect(parseEndpoint(text)).toEqual({ host, port });
  });

  test.each([
    'db',
    'db:',
    ':22',
    'db:0',
    'db:65536',
    'db:22x',
    '::1:22',
    '[db]:22',
    '-x:22',
    'a b:22',
    'http://a:22',
    'db:22\n',
  ])('%j is none', (text) => {
    expect(parseEndpoint(text)).toBeUndefined();
  });
});

describe('in words', () => {
  test.each<[Partial<Condition>, string, string | undefined]>([
    [{ exists: ['/a'] }, '/a exists', undefined],
    [{ exists: ['/a', '/b'], connects: ['db:1'] }, '/a and /b exist, and db:1 answers', undefined],
    [
      { connects: ['a:1', 'b:2'], succeeds: 'secret' },
      'a:1 and b:2 answer, and its command succeeds',
      '`secret` succeeds',
    ],
    [{ succeeds: ['/bin/x', "it's", ''] }, 'its command succeeds', "`/bin/x 'it'\\''s' ''` succeeds"],
    [{ succeeds: 'secret', sensitive: true }, 'its command succeeds', 'its command (Sensitive) succeeds'],
    [{ succeeds: 'two\n lines' }, 'its command succeeds', '`two lines` succeeds'],
  ])('%j', (changes, what, check) => {
    expect(describeCondition(condition(changes))).toBe(what);
    expect(describeCheck(condition(changes))).toBe(check);
  });

  test('a long command is cut off', () => {
    expect(describeCheck(condition({ succeeds: 'x'.repeat(300) }))).toMatch(/^`x{197}\.\.\.` succeeds$/);
  });
});

test('conditions are looked at together where their words are the same, whatever the times are', () => {
  expect(wordsOf(path)).toBe(wordsOf({ ...path, interval: 60, timeout: 9, onTimeout: 'drop' }));
  expect(wordsOf(path)).not.toBe(wordsOf({ ...path, succeeds: 'true' }));
  expect(wordsOf(condition({ succeeds: 'x' }))).not.toBe(wordsOf(condition({ succeeds: ['x'] })));
});
