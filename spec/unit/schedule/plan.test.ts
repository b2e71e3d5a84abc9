import { describe, expect, test } from 'vitest';
import { type Entry, withRunEnded } from '../../../src/schedule/entry.ts';
import { awaitedNow, nextStep, notifyingRuns, outerRuns, partition } from '../../../src/schedule/plan.ts';
import { awaitedEntry, entry, goingEntry } from './entries.ts';

describe('what a waiter does next', () => {
  test('nothing pending: it is done', () => {
    expect(nextStep([], 5000)).toEqual({ kind: 'finish' });
  });

  test('a notifying run that goes on comes first, whatever is due', () => {
    const going = goingEntry({ name: 'b', run: { pid: 9, start: 9 } });
    expect(nextStep([entry({ name: 'a' }), going], 5000)).toEqual({
      kind: 'await-run',
      run: { pid: 9, start: 9 },
    });
    expect(nextStep([goingEntry({ startTimerNow: true })], 5000)).toMatchObject({ kind: 'await-run' });
  });

  test('it waits for the earliest due time', () => {
    expect(nextStep([entry({ name: 'a', wait: 9000 }), entry({ name: 'b', wait: 6000 })], 5000)).toEqual({
      kind: 'await-time',
      until: 7000,
    });
  });

  test.each([
    ['just in time', 5000, 'rerun'],
    ['long over', 1, 'rerun'],
    ['a millisecond early', 5001, 'await-time'],
  ])('%s', (_, due, kind) => {
    expect(nextStep([entry({ wait: due - 1000 })], 5000).kind).toBe(kind);
  });

  test('a start_timer_now that is over when its run ends is due at once', () => {
    const over = entry({ startTimerNow: true, wait: 10, runEndedAt: 4000 });
    expect(nextStep([over], 4000)).toEqual({ kind: 'rerun', due: 510, notBefore: 4000 });
  });
});

describe('whoever started the run goes first', () => {
  test('what is due starts after the grace time of all that it satisfies', () => {
    const [a, b] = [entry({ name: 'a', grace: 3000 }), entry({ name: 'b', runEndedAt: 2000, grace: 3000 })];
    expect(nextStep([a], 1000)).toEqual({ kind: 'rerun', due: 1000, notBefore: 4000 });
    expect(nextStep([a, b], 2500)).toEqual({ kind: 'rerun', due: 1000, notBefore: 5000 });
    expect(nextStep([entry({ wait: 9000, grace: 3000 })], 10_000)).toMatchObject({ notBefore: 10_000 });
  });

  test('a run that has asked for something later goes first, too', () => {
    const [due, later] = [
      entry({ name: 'a' }),
      entry({ name: 'b', wait: 90_000, runEndedAt: 5000, grace: 3000 }),
    ];
    expect(nextStep([due, later], 5000)).toEqual({ kind: 'rerun', due: 1000, notBefore: 8000 });
    const awaited = awaitedEntry({}, { runEndedAt: 5000, grace: 3000 });
    expect(nextStep([due, awaited], 5000)).toMatchObject({ kind: 'rerun', notBefore: 8000 });
    const [aborted] = withRunEnded(
      [goingEntry({ wait: 90_000 })],
      { pid: 4711, start: 1 },
      { at: 5000, brokenOff: true },
    );
    expect(nextStep([due, aborted as Entry], 5000)).toMatchObject({ kind: 'rerun', notBefore: 35_000 });
  });

  test('the end of a run in which the notifying one is nested is not left to be found at the due time', () => {
    const outer = { pid: 9, start: 9 };
    const nested = entry({ outer, wait: 9000, grace: 3000 });
    expect(nextStep([nested], 2000)).toEqual({ kind: 'await-run', run: outer, until: 10_000 });
    expect(nextStep([nested, entry({ name: 'd' })], 2000)).toMatchObject({ kind: 'rerun', notBefore: 1000 });
  });

  test('of several runs that have notified, each is named once', () => {
    const [one, other, outer] = [
      { pid: 7, start: 1 },
      { pid: 8, start: 1 },
      { pid: 9, start: 1 },
    ] as const;
    const entries = [
      goingEntry({ name: 'a', run: one, outer }),
      goingEntry({ name: 'b', run: other }),
      goingEntry({ name: 'c', run: one, outer }),
      entry({ name: 'd', outer: one, outerEndedAt: 5 }),
    ];
    expect(notifyingRuns(entries)).toEqual([one, other]);
    expect(outerRuns(entries)).toEqual([outer]);
  });

  test('a run in which the notifying one is nested is waited for, and the grace time counts from its end', () => {
    const outer = { pid: 9, start: 9 };
    const nested = entry({ outer, grace: 3000 });
    expect(nextStep([nested], 1000)).toEqual({ kind: 'await-run', run: outer });
    const [ended] = withRunEnded([nested], outer, { at: 5000 });
    expect(nextStep([ended as Entry], 5000)).toEqual({ kind: 'rerun', due: 1000, notBefore: 8000 });
  });

  test('a run that was broken off: 30 s at least', () => {
    const [ended] = withRunEnded(
      [goingEntry({ grace: 3000 })],
      { pid: 4711, start: 1 },
      { at: 1000, brokenOff: true },
    );
    expect(nextStep([ended as Entry], 1000)).toEqual({ kind: 'rerun', due: 1000, notBefore: 31_000 });
  });
});

describe('one rerun satisfies all that is due', () => {
  test('100 deltas that fall due together', () => {
    const entries = Array.from({ length: 100 }, (_, i) => entry({ name: `n${i}`, wait: 5000 }));
    expect(partition(entries, 6000)).toEqual({ due: entries, later: [] });
  });

  test('what is due later waits for a later one', () => {
    const [now, later, going] = [
      entry({ name: 'a' }),
      entry({ name: 'b', wait: 5001 }),
      goingEntry({ name: 'c' }),
    ];
    expect(partition([later, now, going], 6000)).toEqual({ due: [now], later: [later, going] });
  });
});

describe('conditions', () => {
  test.each<[string, Entry, number, object]>([
    ['before its wait is over', awaitedEntry({}, { wait: 2000 }), 2999, { kind: 'await-time', until: 3000 }],
    ['from then on', awaitedEntry({}, { wait: 2000 }), 3000, { kind: 'look', until: 61_000 }],
    ['until its time is over', awaitedEntry(), 60_999, { kind: 'look', until: 61_000 }],
    ['then it runs', awaitedEntry(), 61_000, { kind: 'rerun', due: 61_000, notBefore: 61_000 }],
    ['then, with a splay', awaitedEntry({ splay: 9000 }), 61_000, { kind: 'await-time', until: 70_000 }],
    [
      'to be dropped: while it is looked at',
      awaitedEntry({ onTimeout: 'drop' }),
      60_999,
      { kind: 'look', until: 61_000 },
    ],
    ['to be dropped: then', awaitedEntry({ onTimeout: 'drop' }), 61_000, { kind: 'drop' }],
    ['met', awaitedEntry({ metAt: 5000 }), 5000, { kind: 'rerun', due: 5000, notBefore: 5000 }],
    [
      'met, with a splay',
      awaitedEntry({ metAt: 5000, splay: 2000 }),
      6999,
      { kind: 'await-time', until: 7000 },
    ],
    [
      'met, it stays due',
      awaitedEntry({ metAt: 5000, onTimeout: 'drop' }),
      90_000,
      { kind: 'rerun', due: 5000 },
    ],
    [
      'met in the grace time',
      awaitedEntry({ metAt: 1200 }, { grace: 3000 }),
      1200,
      { kind: 'rerun', notBefore: 4000 },
    ],
    [
      'a back-off beyond its time: looks for one interval',
      awaitedEntry({}, { wait: 90_000 }),
      91_000,
      { kind: 'look', until: 96_000 },
    ],
    ['and then it runs', awaitedEntry({}, { wait: 90_000 }), 96_000, { kind: 'rerun', due: 96_000 }],
  ])('%s', (_, one, now, step) => {
    expect(nextStep([one], now)).toMatchObject(step);
  });

  test('what is due starts, and what is awaited is left to a later rerun, but looked at meanwhile', () => {
    const [due, awaited] = [entry({ name: 'd' }), awaitedEntry()];
    expect(nextStep([due, awaited], 5000)).toMatchObject({ kind: 'rerun', due: 1000 });
    expect(partition([due, awaited], 5000)).toEqual({ due: [due], later: [awaited] });
    expect(awaitedNow([due, awaited], 5000)).toEqual([awaited]);
  });

  test('what is awaited is looked at beside another notifying run: its time may end before that does', () => {
    const awaited = awaitedEntry();
    expect(nextStep([awaited, goingEntry()], 5000)).toMatchObject({ kind: 'await-run' });
    expect(awaitedNow([awaited, goingEntry()], 5000)).toEqual([awaited]);
  });

  test('nothing is looked at while its own run goes on, before its wait is over, once it is met, and after its time', () => {
    const { condition } = awaitedEntry();
    expect(awaitedNow([goingEntry({ condition, startTimerNow: true } as Partial<Entry>)], 5000)).toEqual([]);
    expect(awaitedNow([awaitedEntry({}, { wait: 4001 })], 5000)).toEqual([]);
    expect(awaitedNow([awaitedEntry({ metAt: 4000 })], 5000)).toEqual([]);
    expect(awaitedNow([awaitedEntry()], 61_000)).toEqual([]);
  });

  test('a delta that is due earlier ends the looks’ sleep, not the looks', () => {
    expect(nextStep([awaitedEntry(), entry({ name: 'd', wait: 9000 })], 5000)).toEqual({
      kind: 'look',
      until: 10_000,
    });
  });
});
