import { describe, expect, test } from 'vitest';
import {
  dueTime,
  isTimedOut,
  timeoutAt,
  withEntry,
  withMet,
  withoutSatisfied,
  withRunEnded,
} from '../../../src/schedule/entry.ts';
import { awaitedEntry, entry, goingEntry } from './entries.ts';

describe('when an entry is due', () => {
  test.each<[string, ReturnType<typeof entry>, number | undefined]>([
    ['at the end of its run', entry(), 1000],
    ['a delta after it', entry({ wait: 120_000 }), 121_000],
    ['unknown while the run goes on', goingEntry({ wait: 5000 }), undefined],
    ['counted from the notification', entry({ startTimerNow: true, wait: 5000 }), 5500],
    [
      'counted from the notification, while the run goes on',
      goingEntry({ startTimerNow: true, wait: 5000 }),
      5500,
    ],
    ['ten years', entry({ wait: 315_360_000_000 }), 315_360_001_000],
  ])('%s', (_, given, expected) => {
    expect(dueTime(given)).toBe(expected);
  });
});

describe('a newer notification of the same name replaces the pending one', () => {
  test('and comes last', () => {
    const [a, b, newer] = [entry({ name: 'a' }), entry({ name: 'b' }), entry({ name: 'a', wait: 1 })];
    expect(withEntry([a, b], newer)).toEqual([b, newer]);
  });

  test("the one of Exec['again'], which has no name, too", () => {
    const [shared, named, newer] = [entry(), entry({ name: 'a' }), entry({ wait: 1 })];
    expect(withEntry([shared, named], newer)).toEqual([named, newer]);
  });

  test("an empty name is a name, not Exec['again']", () => {
    expect(withEntry([entry({ name: '' })], entry())).toHaveLength(2);
  });
});

describe('the end of a run', () => {
  test('is noted with its entries alone, and once', () => {
    const own = goingEntry({ name: 'own' });
    const older = entry({ name: 'older', runEndedAt: 7 });
    const other = goingEntry({ name: 'other', run: { pid: 4711, start: 2 } });
    expect(withRunEnded([own, older, other], { pid: 4711, start: 1 }, { at: 2000 })).toEqual([
      { ...own, runEndedAt: 2000 },
      older,
      other,
    ]);
  });
});

describe('what an ordinary run satisfies', () => {
  test.each<[string, ReturnType<typeof entry>, boolean]>([
    ['what was due before it began', entry({ wait: 999 }), true],
    ['what was due when it began', entry({ wait: 1000 }), true],
    ['not what fell due later', entry({ wait: 1001 }), false],
    ['not what its run still holds back', goingEntry(), false],
  ])('%s', (_, given, satisfied) => {
    expect(withoutSatisfied([given], 2000)).toEqual(satisfied ? [] : [given]);
  });
});

describe('an entry with a condition', () => {
  test.each<[string, ReturnType<typeof entry>, number | undefined]>([
    ['is due when its time is over', awaitedEntry(), 61_000],
    ['and a splay has passed', awaitedEntry({ splay: 50 }), 61_050],
    ['is never due where it is dropped then', awaitedEntry({ onTimeout: 'drop' }), undefined],
    ['is due when it is met', awaitedEntry({ metAt: 5000, onTimeout: 'drop' }), 5000],
    ['and a splay has passed since', awaitedEntry({ metAt: 5000, splay: 50 }), 5050],
  ])('%s', (_, given, due) => {
    expect(dueTime(given)).toBe(due);
  });

  test('is not due by its time while its run goes on', () => {
    const { runEndedAt: _, ...going } = awaitedEntry();
    expect([dueTime(going), timeoutAt(going)]).toEqual([undefined, undefined]);
  });

  test('is another one than a delta of the same name', () => {
    const [delta, awaited] = [entry({ name: 'w' }), awaitedEntry()];
    expect(withEntry([delta], awaited)).toEqual([delta, awaited]);
    expect(withEntry([delta, awaited], awaitedEntry({ id: 'a' }))).toEqual([
      delta,
      awaitedEntry({ id: 'a' }),
    ]);
    expect(withEntry([awaited, delta], entry({ name: 'w', wait: 1 }))).toEqual([
      awaited,
      entry({ name: 'w', wait: 1 }),
    ]);
  });

  test('is met once, by the words that its id names', () => {
    const met = withMet([awaitedEntry(), awaitedEntry({ id: 'a' }), entry()], new Map([['c0ffee', 3000]]));
    expect(met).toEqual([awaitedEntry({ metAt: 3000 }), awaitedEntry({ id: 'a' }), entry()]);
    expect(withMet(met, new Map([['c0ffee', 4000]]))).toEqual(met);
  });

  test('is satisfied by a run that began when it was met, or when its time was over, not by one before', () => {
    const late = awaitedEntry({ metAt: 5000 }, { noticedLate: 100 });
    expect(withoutSatisfied([late], 4999)).toEqual([late]);
    expect(withoutSatisfied([late], 5000)).toEqual([]);
    expect(withoutSatisfied([awaitedEntry()], 60_999)).toHaveLength(1);
    expect(withoutSatisfied([awaitedEntry()], 61_000)).toEqual([]);
  });

  test('says whether it is its time that made it due', () => {
    expect(isTimedOut(awaitedEntry(), 61_000)).toBe(true);
    expect(isTimedOut(awaitedEntry(), 60_999)).toBe(false);
    expect(isTimedOut(awaitedEntry({ metAt: 5000 }), 61_000)).toBe(false);
    expect(isTimedOut(entry(), 61_000)).toBe(false);
  });
});
