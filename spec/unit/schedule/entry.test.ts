import { describe, expect, test } from 'vitest';
import { dueTime, withEntry, withoutSatisfied, withRunEnded } from '../../../src/schedule/entry.ts';
import { entry, goingEntry } from './entries.ts';

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
