import { describe, expect, test } from 'vitest';
import { type ChainRules, isOver, linkInPlace, nextLink, waitOf } from '../../../src/schedule/chain.ts';
import { entry, goingEntry } from './entries.ts';

const rules: ChainRules = { burst: 10, maxDelay: 1800, limit: undefined };

describe('the link that a notification asks for', () => {
  test.each<[string, number, number[], number]>([
    ['an ordinary run, nothing pending', 0, [], 1],
    ['a rerun', 3, [], 4],
    ['an ordinary run beside a pending entry continues its chain', 0, [5], 5],
    ['a rerun beside an older chain', 2, [7], 7],
    ['a rerun beside a younger one', 7, [2], 8],
    ['the longest of several', 0, [2, 9, 4], 9],
  ])('%s', (_, linkOfRun, pending, expected) => {
    expect(nextLink(linkOfRun, pending)).toBe(expected);
  });
});

describe('how long a link waits', () => {
  test.each([
    [1, 0, 0],
    [10, 0, 0],
    [11, 0, 30],
    [12, 0, 60],
    [13, 0, 120],
    [16, 0, 960],
    [17, 0, 1800],
    [18, 0, 1800],
    [5000, 0, 1800],
    [10, 5, 5],
    [11, 5, 30],
    [11, 45, 45],
    [12, 45, 60],
    [17, 7200, 7200],
  ])('link %i with a delta of %i s: %i s', (link, delta, seconds) => {
    expect(waitOf(link, delta, rules)).toBe(seconds);
  });

  test('a burst of 0 backs off from the first link', () => {
    expect([1, 2, 3].map((link) => waitOf(link, 0, { ...rules, burst: 0 }))).toEqual([30, 60, 120]);
  });

  test('max_delay caps the back-off, never the delta', () => {
    const short = { ...rules, maxDelay: 45 };
    expect([11, 12, 13].map((link) => waitOf(link, 0, short))).toEqual([30, 45, 45]);
    expect(waitOf(12, 90, short)).toBe(90);
  });
});

describe('the end of a chain', () => {
  test.each<[number, number | undefined, boolean]>([
    [1, undefined, false],
    [1_000_000, undefined, false],
    [3, 3, false],
    [4, 3, true],
    [1, 1, false],
    [2, 1, true],
  ])('link %i with limit %s is over: %s', (link, limit, expected) => {
    expect(isOver(link, { ...rules, limit })).toBe(expected);
  });
});

describe('the link in whose place a run stands', () => {
  test.each<[string, ReturnType<typeof entry>[], number]>([
    ['nothing pending', [], 0],
    ['what was due when it began', [entry({ link: 4, wait: 1000 })], 4],
    ['the longest of what was due', [entry({ link: 4 }), entry({ name: 'a', link: 6 })], 6],
    ['not what was due later', [entry({ link: 4, wait: 1001 })], 0],
    ['not what another run still holds back', [goingEntry({ link: 4 })], 0],
  ])('%s', (_, pending, expected) => {
    expect(linkInPlace(pending, 2000)).toBe(expected);
  });
});
