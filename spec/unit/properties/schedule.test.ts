// Properties of due times, coalescing and chains. How many inputs, and the long mode of a million: see runs.ts.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isOver, linkInPlace, nextLink, waitOf } from '../../../src/schedule/chain.ts';
import {
  dueTime,
  type Entry,
  isDue,
  isExpired,
  isSameEntry,
  timeoutAt,
  waitOver,
  withEntry,
  withMet,
  withoutSatisfied,
  withRunEnded,
} from '../../../src/schedule/entry.ts';
import { awaitedNow, nextStep, partition } from '../../../src/schedule/plan.ts';
import { merged } from '../../../src/wait/record.ts';
import { holds, timeout } from './runs.ts';
import { entries, entry, mixedEntries, processId, rules } from './values.ts';

const names = (list: readonly Entry[]) => list.map(({ name }) => name);
const unique = (list: readonly Entry[]) => new Set(names(list)).size === list.length;
const now = fc.integer({ min: 0, max: 2e12 });

describe('due times', { timeout }, () => {
  test('are never before the end of the run or the notification, and exactly the wait after it', () => {
    holds(entry, (given) => {
      const from = given.startTimerNow ? given.notifiedAt : given.runEndedAt;
      expect(dueTime(given)).toBe(from === undefined ? undefined : from + given.wait);
    });
  });

  test('the next step is never a rerun while a notifying run goes on, nor before something is due, nor later than the first', () => {
    holds(entries, now, (list, at) => {
      const step = nextStep(list, at);
      const going = list.filter(({ runEndedAt }) => runEndedAt === undefined);
      const due = list.map((one) => dueTime(one) ?? Number.POSITIVE_INFINITY);
      if (list.length === 0) expect(step.kind).toBe('finish');
      else if (going.length > 0)
        expect(going.map(({ run }) => run)).toContainEqual((step as { run?: unknown }).run);
      else if (Math.min(...due) > at) expect(step).toEqual({ kind: 'await-time', until: Math.min(...due) });
      else expect(step).toMatchObject({ kind: 'rerun', due: Math.min(...due) });
      if (step.kind === 'rerun') expect(step.notBefore).toBeGreaterThanOrEqual(step.due);
    });
  });

  test('a waiter that does what it is told comes to a rerun, and at last to an end', () => {
    holds(entries, now, (list, begin) => {
      let [pending, at]: [readonly Entry[], number] = [list, begin];
      for (let steps = 0; ; steps += 1) {
        expect(steps).toBeLessThan(40);
        const step = nextStep(pending, at);
        if (step.kind === 'finish') break;
        if (step.kind === 'await-run') pending = withRunEnded(pending, step.run, { at });
        if (step.kind === 'await-time') {
          expect(step.until).toBeGreaterThan(at);
          at = step.until;
        }
        if (step.kind === 'rerun') {
          const { due, later } = partition(pending, at);
          expect(due.length).toBeGreaterThan(0);
          pending = later;
        }
      }
    });
  });
});

describe('coalescing', { timeout }, () => {
  test('parts all entries into what is due and what is not', () => {
    holds(entries, now, (list, at) => {
      const { due, later } = partition(list, at);
      expect(list.filter((one) => due.includes(one))).toEqual(due);
      expect(list.filter((one) => later.includes(one))).toEqual(later);
      expect(due.length + later.length).toBe(list.length);
      for (const one of due) expect(dueTime(one)).toBeLessThanOrEqual(at);
      for (const one of later) expect(dueTime(one) ?? Number.POSITIVE_INFINITY).toBeGreaterThan(at);
    });
  });

  test('an ordinary run satisfies what a rerun at its begin would', () => {
    holds(entries, now, (list, at) => {
      expect(withoutSatisfied(list, at)).toEqual(partition(list, at).later);
    });
  });

  test('names stay unique, whatever is added, and the added one is there, at the end', () => {
    holds(fc.array(entry, { maxLength: 10 }), (added) => {
      let list: readonly Entry[] = [];
      for (const one of added) {
        const before = list;
        list = withEntry(list, one);
        expect(list.at(-1)).toBe(one);
        expect(unique(list)).toBe(true);
        expect(new Set(names(list))).toEqual(new Set([...names(before), one.name]));
      }
    });
  });

  test('two waiters together lose no name, double none, and keep the newer entry', () => {
    holds(entries, entries, (older, newer) => {
      const both = merged(older, newer);
      expect(unique(both)).toBe(true);
      expect(new Set(names(both))).toEqual(new Set([...names(older), ...names(newer)]));
      for (const one of newer) expect(both).toContain(one);
    });
  });

  test('the end of a run is noted with its own entries, once, and changes nothing else', () => {
    holds(entries, processId, now, (list, run, at) => {
      const noted = withRunEnded(list, run, { at });
      expect(noted.map(({ runEndedAt: _, ...rest }) => rest)).toEqual(
        list.map(({ runEndedAt: _, ...rest }) => rest),
      );
      for (const [i, one] of list.entries()) {
        const mine = one.run.pid === run.pid && one.run.start === run.start;
        expect(noted[i]?.runEndedAt).toBe(one.runEndedAt ?? (mine ? at : undefined));
      }
      expect(withRunEnded(noted, run, { at: at + 1 })).toEqual(noted);
    });
  });
});

describe('conditions', { timeout }, () => {
  test('are looked at from the end of their wait to their timeout, unless met, and never while their own run goes on', () => {
    holds(mixedEntries, now, (list, at) => {
      for (const one of awaitedNow(list, at)) {
        expect(one.runEndedAt).toBeDefined();
        expect(one.condition?.metAt).toBeUndefined();
        expect(waitOver(one)).toBeLessThanOrEqual(at);
        expect(timeoutAt(one)).toBeGreaterThan(at);
        expect(isDue(one, at)).toBe(false);
      }
    });
  });

  test('what is met is due after its splay, and stays due', () => {
    holds(mixedEntries, now, (list, at) => {
      const met = withMet(list, new Map(awaitedNow(list, at).map((one) => [one.condition?.id ?? '', at])));
      expect(awaitedNow(met, at)).toEqual([]);
      for (const one of met) {
        const { metAt, splay = 0 } = one.condition ?? {};
        if (metAt !== undefined) expect(isDue(one, metAt + splay)).toBe(true);
        if (isDue(one, at)) expect(isDue(one, at + 1)).toBe(true);
      }
    });
  });

  test('no entry is both due and to be dropped, and none waits for ever', () => {
    holds(mixedEntries, now, (list, at) => {
      for (const one of list) {
        expect(isDue(one, at) && isExpired(one, at)).toBe(false);
        if (one.runEndedAt === undefined || one.condition?.metAt !== undefined) continue;
        const end = Math.max(timeoutAt(one) ?? 0, waitOver(one) ?? 0) + (one.condition?.splay ?? 0);
        expect(isDue(one, end) || isExpired(one, end)).toBe(true);
      }
    });
  });

  test('a waiter that does what it is told comes to an end, whatever holds when', () => {
    holds(
      mixedEntries,
      now,
      fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
      (list, begin, holding) => {
        let [pending, at]: [readonly Entry[], number] = [list, begin];
        for (let steps = 0; ; steps += 1) {
          expect(steps).toBeLessThan(60);
          const step = nextStep(pending, at);
          if (step.kind === 'finish') break;
          if (step.kind === 'await-run') pending = withRunEnded(pending, step.run, { at });
          if (step.kind === 'drop') {
            expect(step.entries.length).toBeGreaterThan(0);
            pending = pending.filter((one) => !step.entries.includes(one));
          }
          if (step.kind === 'await-time' || step.kind === 'look') {
            expect(step.until).toBeGreaterThan(at);
            const looked = awaitedNow(pending, at);
            expect(looked.length > 0).toBe(step.kind === 'look');
            const met = holding[steps] ? looked.slice(0, 1) : [];
            pending = withMet(pending, new Map(met.map((one) => [one.condition?.id ?? '', at])));
            if (met.length === 0) at = step.until;
          }
          if (step.kind === 'rerun') {
            const { due, later } = partition(pending, at);
            expect(due.length).toBeGreaterThan(0);
            pending = later;
          }
        }
      },
    );
  });

  test('names stay unique within their kind, whatever is added', () => {
    holds(mixedEntries, mixedEntries, (older, newer) => {
      const added = newer.reduce<readonly Entry[]>((list, one) => withEntry(list, one), older);
      for (const list of [added, merged(older, newer)]) {
        for (const one of list) expect(list.filter((other) => isSameEntry(one, other))).toEqual([one]);
        for (const one of newer) expect(list).toContain(one);
      }
    });
  });
});

describe('chains', { timeout }, () => {
  const link = fc.integer({ min: 0, max: 100_000 });
  const delta = fc.integer({ min: 0, max: 315_360_000 });

  test('never go back: a notification is a later link than its run, and no earlier one than what is pending', () => {
    holds(
      link,
      fc.array(
        link.map((n) => n + 1),
        { maxLength: 10 },
      ),
      (ofRun, pending) => {
        const next = nextLink(ofRun, pending);
        expect(next).toBeGreaterThan(ofRun);
        for (const one of pending) expect(next).toBeGreaterThanOrEqual(one);
      },
    );
  });

  test('are continued by a run that stands in the place of what was due', () => {
    holds(entries, now, (list, began) => {
      const { due } = partition(list, began);
      expect(linkInPlace(list, began)).toBe(due.reduce((most, one) => Math.max(most, one.link), 0));
    });
  });

  test('wait the delta up to the burst; after it never zero, never less than the delta, never more than max_delay or the delta', () => {
    holds(link, delta, rules, (n, seconds, given) => {
      const wait = waitOf(n, seconds, given);
      if (n <= given.burst) {
        expect(wait).toBe(seconds);
        return;
      }
      expect(wait).toBeGreaterThanOrEqual(Math.max(30, seconds));
      expect(wait).toBeLessThanOrEqual(Math.max(given.maxDelay, seconds));
      expect(Number.isSafeInteger(wait)).toBe(true);
    });
  });

  test('wait no shorter the longer they are', () => {
    holds(link, delta, rules, (n, seconds, given) => {
      expect(waitOf(n + 1, seconds, given)).toBeGreaterThanOrEqual(waitOf(n, seconds, given));
    });
  });

  test('are over from the first link after the limit on, and for good', () => {
    holds(link, rules, (n, given) => {
      expect(isOver(n, given)).toBe(given.limit !== undefined && n > given.limit);
      if (isOver(n, given)) expect(isOver(n + 1, given)).toBe(true);
    });
  });

  test('of a manifest that always notifies come to max_delay within 13 links after the burst', () => {
    holds(rules, fc.integer({ min: 0, max: 600 }), (given, seconds) => {
      const first = given.burst + 13; // by then 30 x 2^12 s is more than the longest max_delay
      expect(waitOf(first, seconds, given)).toBe(Math.max(given.maxDelay, seconds));
    });
  });
});
