import { describe, expect, test } from 'vitest';
import { type Condition, formatCondition } from '../../../src/schedule/condition.ts';
import {
  canonicalArguments,
  isName,
  LONGEST_DELTA,
  parseCanonical,
  parseDelta,
  plainArguments,
  type WaiterRequest,
} from '../../../src/schedule/request.ts';

describe('a delta', () => {
  test.each<[string, number | undefined]>([
    ['0', 0],
    ['120', 120],
    ['00120', 120],
    [String(LONGEST_DELTA), LONGEST_DELTA],
    [String(LONGEST_DELTA + 1), undefined],
    ['999999999999', undefined],
    ['1000000000000000', undefined],
    ['', undefined],
    ['-1', undefined],
    ['+1', undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    ['0x10', undefined],
    [' 1', undefined],
    ['1\n', undefined],
    ['٣', undefined],
    ['NaN', undefined],
    ['Infinity', undefined],
  ])('%j', (text, expected) => {
    expect(parseDelta(text)).toBe(expected);
  });
});

describe('a name', () => {
  test.each<[string, string, boolean]>([
    ['plain', 'some-name', true],
    ['with spaces and quotes', 'it\'s "this"', true],
    ['that looks like an option', '--delta', true],
    ['beyond ASCII', 'prüfung 🤖', true],
    ['of 255 characters', 'x'.repeat(255), true],
    ['of 256', 'x'.repeat(256), false],
    ['of 255 that take two units each', '🤖'.repeat(255), true],
    ['of 256 such', '🤖'.repeat(256), false],
    ['with a tab', 'a\tb', false],
    ['empty', '', false],
    ['of two lines', 'a\nb', false],
    ['with a newline at its end', 'a\n', false],
    ['with an escape sequence', '\x1b[31m', false],
    ['with DEL', '\x7f', false],
  ])('%s', (_, text, expected) => {
    expect(isName(text)).toBe(expected);
  });
});

describe('the command line as the module writes it', () => {
  const defaults = { name: undefined, delta: 0, startTimerNow: false, parent: 17 };
  test.each<[string, string[], object]>([
    ["of Exec['again']", [], {}],
    ['of a delta', ['--name', 'n', '--delta', '5'], { name: 'n', delta: 5 }],
    ['with the timer from now', ['--name', 'n', '--start-timer-now'], { name: 'n', startTimerNow: true }],
    ['with an option as name', ['--name', '--start-timer-now'], { name: '--start-timer-now' }],
    ['with the last one of several', ['--delta', '5', '--delta', '7'], { delta: 7 }],
  ])('%s', (_, args, expected) => {
    expect(parseCanonical([...args, '--parent', '17'])).toMatchObject({ ...defaults, ...expected });
  });

  test.each<[string, string[]]>([
    ['without a parent (a person)', ['--delta', '5']],
    ['nothing', []],
    ['--help', ['--help', '--parent', '17']],
    ['--delta=5', ['--delta=5', '--parent', '17']],
    ['a wrong delta', ['--delta', 'x', '--parent', '17']],
    ['a delta without its value', ['--parent', '17', '--delta']],
    ['an empty name', ['--name', '', '--parent', '17']],
    ['a name without its value', ['--parent', '17', '--name']],
    ['no parent', []],
    ['parent -1', ['--parent', '-1']],
    ['parent x', ['--parent', 'x']],
    ['an empty parent', ['--parent', '']],
    ['an operand', ['x', '--parent', '17']],
  ])('%s is for the command line of people', (_, args) => {
    expect(parseCanonical(args)).toBeUndefined();
  });

  test.each<[string, Parameters<typeof canonicalArguments>[0], string[]]>([
    ["Exec['again']", { name: undefined, delta: 0, startTimerNow: false }, []],
    ['a delta', { name: 'n', delta: 5, startTimerNow: false }, ['--name', 'n', '--delta', '5']],
    [
      'all',
      { name: 'n', delta: 5, startTimerNow: true },
      ['--name', 'n', '--delta', '5', '--start-timer-now'],
    ],
  ])('%s in that form', (_, request, args) => {
    expect(canonicalArguments(request)).toEqual(args);
    expect(parseCanonical([...args, '--parent', '17'])).toMatchObject(request);
  });

  describe('of a when', () => {
    const condition: Condition = {
      exists: ['/dev/x'],
      connects: [],
      succeeds: 'secret',
      sensitive: false,
      interval: 5,
      timeout: 60,
      onTimeout: 'run',
    };
    const args = ['--name', 'n', '--delta', '5', '--when', '--parent', '17'];

    test('has the words of its condition beside it, never in it', () => {
      const request = parseCanonical(args, formatCondition(condition));
      expect(request).toEqual({ name: 'n', delta: 5, startTimerNow: false, parent: 17, condition });
      expect(plainArguments(request as WaiterRequest)).toEqual(args);
    });

    test('without words, with wrong ones, or with a timer from now is wrong', () => {
      expect(parseCanonical(args)).toBeUndefined();
      expect(parseCanonical(args, '{}')).toBeUndefined();
      expect(parseCanonical(['--start-timer-now', ...args], formatCondition(condition))).toBeUndefined();
    });

    test('words that no --when asks for count for nothing', () => {
      const request = parseCanonical(['--parent', '17'], formatCondition(condition));
      expect(request).not.toHaveProperty('condition');
    });
  });

  test.each<[string | undefined, string[]]>([
    [undefined, []],
    ['plain', ['--name', 'plain']],
    ['a b', ['--name', 'a b']],
    ['$HOME', ['--name-hex', '24484f4d45']],
    ['%i', ['--name-hex', '2569']],
    ['prüfung $', ['--name-hex', '7072c3bc66756e672024']],
  ])('the name %j in a form that no program expands', (name, args) => {
    const request = { name, delta: 5, startTimerNow: true, parent: 17 };
    expect(plainArguments(request)).toEqual([...args, '--delta', '5', '--start-timer-now', '--parent', '17']);
    expect(parseCanonical(plainArguments(request))).toEqual(request);
  });

  test.each(['', 'zz', '0a', 'x'])('--name-hex %j is none', (hex) => {
    expect(parseCanonical(['--name-hex', hex, '--parent', '17'])).toBeUndefined();
  });
});
