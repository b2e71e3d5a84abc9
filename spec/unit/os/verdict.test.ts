import { describe, expect, test } from 'vitest';
import { oneLine, Refusal } from '../../../src/os/refusal.ts';
import { parseVerdict, toAscii, type Verdict } from '../../../src/os/verdict.ts';

describe('a verdict', () => {
  test.each<[string, Verdict | undefined]>([
    ['0 Will run\n', { exitCode: 0, text: 'Will run' }],
    ['1 again: no\n', { exitCode: 1, text: 'again: no' }],
    ['64 \n', { exitCode: 64, text: '' }],
    ['0 two  spaces \n', { exitCode: 0, text: 'two  spaces ' }],
    [
      '0 Will run\n23 daemon.notice scheduled: a b\n24 daemon.warning lost: c\n',
      {
        exitCode: 0,
        text: 'Will run',
        journal: ['23 daemon.notice scheduled: a b', '24 daemon.warning lost: c'],
      },
    ],
    ['0 Will run\n23 daemon.notice cut off', undefined],
    ['', undefined],
    ['0 cut off', undefined],
    ['0\n', undefined],
    ['x y\n', undefined],
    ['1000 y\n', undefined],
    ['-1 y\n', undefined],
    [' 0 y\n', undefined],
  ])('%j', (line, expected) => {
    expect(parseVerdict(line)).toEqual(expected);
  });
});

describe('what was thrown, on one line', () => {
  test.each<[string, unknown, string]>([
    ['a refusal', new Refusal('no'), 'no'],
    ['an error of several lines', new Error('a\n  b\r\nc\n'), 'a b c'],
    ['text', 'a\nb', 'a b'],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
  ])('%s', (_, thrown, expected) => {
    expect(oneLine(thrown)).toBe(expected);
  });

  test('a refusal ends with 1, a wrong command line with 64', () => {
    expect([new Refusal('x').exitCode, new Refusal('x', 64).exitCode]).toEqual([1, 64]);
  });
});

test.each([
  ["Exec['again'], 120 s", "Exec['again'], 120 s"],
  ['größe', 'gr\\u{f6}\\u{df}e'],
  ['ready 👍', 'ready \\u{1f44d}'],
  ['\ufffd', '\\u{fffd}'],
])('what an Exec prints is ASCII, which every locale can read: %s', (text, ascii) => {
  expect(toAscii(text)).toBe(ascii);
});
