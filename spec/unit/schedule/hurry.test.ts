import { describe, expect, test } from 'vitest';
import { dueTime, type Entry, withoutSatisfied, withRunEnded } from '../../../src/schedule/entry.ts';
import { hurried } from '../../../src/schedule/hurry.ts';
import { nextStep } from '../../../src/schedule/plan.ts';
import { awaitedEntry, entry, goingEntry } from './entries.ts';

describe('`again now`', () => {
  test.each<[string, Entry, number | undefined]>([
    ['a timer that goes on', entry({ wait: 60_000 }), 5000],
    ['a timer that is over: it stays due since then', entry({ wait: 2000 }), 3000],
    ['a timer from the notification', entry({ startTimerNow: true, wait: 60_000 }), 5000],
    ['a run that goes on: due when that ends', goingEntry({ wait: 60_000 }), undefined],
    [
      'a run that goes on, and a timer from its notification',
      goingEntry({ startTimerNow: true, wait: 60_000 }),
      5000,
    ],
  ])('%s', (_, given, due) => {
    expect(dueTime(hurried(given, 5000))).toBe(due);
    expect(hurried(given, 5000)).toMatchObject({ delta: given.delta, hurried: true });
  });

  test('what is due at the end of its run starts then', () => {
    const [ended] = withRunEnded(
      [hurried(goingEntry({ wait: 60_000 }), 5000)],
      { pid: 4711, start: 1 },
      { at: 7000 },
    );
    expect(nextStep([ended as Entry], 7000)).toMatchObject({ kind: 'rerun', due: 7000 });
  });

  test('the grace time stays', () => {
    const given = entry({ wait: 60_000, grace: 9000 });
    expect(nextStep([hurried(given, 5000)], 5000)).toEqual({ kind: 'rerun', due: 5000, notBefore: 10_000 });
  });

  test('an ordinary run that began before it satisfies nothing, one that begins later does', () => {
    const given = hurried(entry({ wait: 60_000 }), 5000);
    expect(withoutSatisfied([given], 4999)).toEqual([given]);
    expect(withoutSatisfied([given], 5000)).toEqual([]);
  });

  test('a condition counts as met, and its splay is over', () => {
    const given = awaitedEntry({ splay: 4000 }, { wait: 60_000 });
    expect(nextStep([given], 5000)).toMatchObject({ kind: 'await-time' });
    expect(nextStep([hurried(given, 5000)], 5000)).toMatchObject({ kind: 'rerun', due: 5000 });
    const met = awaitedEntry({ splay: 4000, metAt: 3000 });
    expect(dueTime(hurried(met, 5000))).toBe(3000);
  });

  test('twice is once', () => {
    const once = hurried(entry({ wait: 60_000 }), 5000);
    expect(hurried(once, 9000)).toEqual(once);
  });
});
