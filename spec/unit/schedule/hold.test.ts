import { describe, expect, test } from 'vitest';
import { describeHold, type Hold, leftOf, parseHold, parsePeriod } from '../../../src/schedule/hold.ts';

const HOUR = 3_600_000;
const SINCE = Date.UTC(2026, 10, 22, 8);
const HOLD: Hold = { version: 1, since: SINCE, until: SINCE + 2 * HOUR, reason: 'kernel update' };

describe('a period', () => {
  test.each<[string, number | undefined]>([
    ['1', 1],
    ['90', 90],
    ['90s', 90],
    ['45m', 2700],
    ['2h', 7200],
    ['1d', 86_400],
    ['1h30m', 5400],
    ['1d2h3m4s', 93_784],
    ['1h30', 3630],
    ['30d', 2_592_000],
    ['30d1s', undefined],
    ['31d', undefined],
    ['0', undefined],
    ['0h', undefined],
    ['', undefined],
    ['-1h', undefined],
    ['1.5h', undefined],
    ['2 h', undefined],
    ['30m1h', undefined],
    ['2H', undefined],
    ['2w', undefined],
    ['tomorrow', undefined],
    ['99999999', undefined],
  ])('%j', (text, seconds) => {
    expect(parsePeriod(text)).toBe(seconds);
  });
});

describe('a hold', () => {
  test.each<[string, number, number]>([
    ['when it begins', 0, 2 * HOUR],
    ['in its middle', HOUR, HOUR],
    ['a millisecond before its end', 2 * HOUR - 1, 1],
    ['at its end', 2 * HOUR, 0],
    ['long after it', 20 * HOUR, 0],
    ['when the clock was set back by some minutes', -300_000, 2 * HOUR + 300_000],
    ['when it was set back by more, it does not hold for years', -300_001, 0],
  ])('%s', (_, after, left) => {
    expect(leftOf(HOLD, SINCE + after)).toBe(left);
  });

  test('comes back as it was written, with and without a reason', () => {
    const { reason: _, ...silent } = HOLD;
    for (const hold of [HOLD, silent, { ...HOLD, reason: '' }])
      expect(parseHold(JSON.stringify(hold))).toEqual(hold);
  });

  test.each<[string, unknown]>([
    ['null', null],
    ['a list', [1]],
    ['another version', { ...HOLD, version: 2 }],
    ['no end', { ...HOLD, until: undefined }],
    ['an end that is text', { ...HOLD, until: '2026-11-22' }],
    ['an end beyond all dates', { ...HOLD, until: 8.64e15 + 1 }],
    ['an end before its beginning', { ...HOLD, until: SINCE }],
    ['a beginning below 0', { ...HOLD, since: -1 }],
    ['a reason that is a number', { ...HOLD, reason: 1 }],
  ])('%s is none', (_, value) => {
    expect(parseHold(JSON.stringify(value))).toBeUndefined();
  });

  test.each(['', '{', '\0\0', '{"version":1'])('rubbish is none: %j', (content) => {
    expect(parseHold(content)).toBeUndefined();
  });

  test('in words', () => {
    const end = 'the end of the hold at 2026-11-22T10:00:00Z';
    expect(describeHold(HOLD)).toBe(`${end} (kernel update), or \`again release\``);
    const { reason: _, ...silent } = HOLD;
    expect(describeHold(silent)).toBe(`${end}, or \`again release\``);
  });
});
