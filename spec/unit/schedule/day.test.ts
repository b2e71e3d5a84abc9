// A day of a manifest that always notifies, with a clock that costs nothing. The decisions are those of src/schedule; what is
// written here is only the world around them: runs that take their time, a daemon, one run at a time.

import { describe, expect, test } from 'vitest';
import type { ProcessId } from '../../../src/os/process.ts';
import { type ChainRules, isOver, linkInPlace, nextLink, waitOf } from '../../../src/schedule/chain.ts';
import {
  dueTime,
  type Entry,
  withEntry,
  withoutSatisfied,
  withRunEnded,
} from '../../../src/schedule/entry.ts';
import { nextStep, partition } from '../../../src/schedule/plan.ts';

const SECOND = 1000;
const DAY = 86_400 * SECOND;
const RULES: ChainRules = { burst: 10, maxDelay: 1800, limit: undefined };

interface World {
  /** The notifications of the manifest in each run: seconds, by name. `undefined` is Exec['again']. */
  readonly notifies: readonly {
    readonly name?: string;
    readonly delta: number;
    readonly startTimerNow?: boolean;
  }[];
  /** How long a run takes, in seconds. */
  readonly runTakes: number;
  /** Seconds between two runs of a daemon; none for a single run at the start. */
  readonly daemonEvery: number | undefined;
  readonly rules?: ChainRules;
}

interface PastRun {
  readonly began: number;
  readonly by: 'somebody' | 'the daemon' | 'again';
  /** The link that a rerun was; 0 for others. */
  readonly link: number;
  /** How long the rerun had waited since the end of the run before it, in seconds. */
  readonly waited: number;
}

/** Plays a day; returns its runs and how many notifications the limit refused. */
function day({ notifies, runTakes, daemonEvery, rules = RULES }: World): {
  runs: PastRun[];
  refused: number;
} {
  const runs: PastRun[] = [];
  let entries: readonly Entry[] = [];
  let refused = 0;
  let lastEnd = 0;
  let daemonNext = daemonEvery === undefined ? Number.POSITIVE_INFINITY : 0;

  /** One run, from its begin to its end: it notifies in its middle. */
  const run = (began: number, by: PastRun['by'], link: number): number => {
    const process: ProcessId = { pid: runs.length + 1, start: began };
    runs.push({ began, by, link, waited: (began - lastEnd) / SECOND });
    const notifiedAt = began + (runTakes * SECOND) / 2;
    for (const { name, delta, startTimerNow = false } of notifies) {
      const ofRun = Math.max(link, linkInPlace(entries, began));
      const next = nextLink(
        ofRun,
        entries.map((pending) => pending.link),
      );
      if (isOver(next, rules)) {
        refused += 1;
        continue;
      }
      const wait = waitOf(next, delta, rules) * SECOND;
      const named = name === undefined ? {} : { name };
      entries = withEntry(entries, {
        ...named,
        delta,
        startTimerNow,
        wait,
        link: next,
        notifiedAt,
        run: process,
      });
      expect(new Set(entries.map((pending) => pending.name)).size).toBe(entries.length);
    }
    lastEnd = began + runTakes * SECOND;
    // It has ended in full and with success, so it has done what was due when it began.
    entries = withoutSatisfied(withRunEnded(entries, process, { at: lastEnd }), began);
    return lastEnd;
  };

  let now = daemonEvery === undefined ? run(0, 'somebody', 0) : 0;
  while (now < DAY) {
    const step = nextStep(entries, now);
    if (step.kind === 'await-run') throw new Error('a run that has ended is still awaited');
    const rerunAt =
      step.kind === 'finish' ? Number.POSITIVE_INFINITY : step.kind === 'await-time' ? step.until : now;
    if (Math.min(daemonNext, rerunAt) >= DAY) break;
    if (daemonNext <= rerunAt) {
      now = run(Math.max(now, daemonNext), 'the daemon', 0);
      daemonNext += (daemonEvery ?? 0) * SECOND;
      continue;
    }
    now = Math.max(now, rerunAt);
    const { due, later } = partition(entries, now);
    expect(due.length).toBeGreaterThan(0);
    for (const pending of due) expect(dueTime(pending)).toBeLessThanOrEqual(now);
    entries = later;
    now = run(now, 'again', Math.max(...due.map(({ link }) => link)));
  }
  return { runs, refused };
}

const again = (runs: readonly PastRun[]) => runs.filter(({ by }) => by === 'again');

describe.each([5, 60])('runs of %i s', (runTakes) => {
  describe.each<[string, World['notifies']]>([
    ["Exec['again']", [{ delta: 0 }]],
    ['a delta of 5', [{ name: 'n', delta: 5 }]],
    ['a delta of 5 that counts from the notification', [{ name: 'n', delta: 5, startTimerNow: true }]],
    [
      'both, and ten deltas more',
      [{ delta: 0 }, ...Array.from({ length: 11 }, (_, i) => ({ name: `n${i}`, delta: i * 5 }))],
    ],
  ])('that always notify %s', (_, notifies) => {
    test.each<[string, number | undefined]>([
      ['alone', undefined],
      ["beside a daemon's runs every 1800 s", 1800],
      ["beside a daemon's runs every 600 s", 600],
    ])('%s: what the chain costs in a day', (_, daemonEvery) => {
      const { runs } = day({ notifies, runTakes, daemonEvery });
      const daemons = runs.filter(({ by }) => by === 'the daemon').length;
      // The daemon's own 48 are included in the 100 that the contract promises.
      expect(runs.length).toBeLessThanOrEqual(100 + Math.max(0, daemons - 48));
      expect(again(runs).length).toBeGreaterThanOrEqual(10);
    });
  });
});

describe('a day alone', () => {
  const alone = { notifies: [{ delta: 0 }], runTakes: 5, daemonEvery: undefined };

  test('the first ten reruns come at once, the later ones after 30 s, 60 s … and at last every 1800 s', () => {
    const waits = again(day(alone).runs).map(({ waited }) => waited);
    expect(waits.slice(0, 18)).toEqual([
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1800, 1800,
    ]);
    expect(new Set(waits.slice(16))).toEqual(new Set([1800]));
  });

  test.each([0, 1, 3, 20])('a burst of %i holds', (burst) => {
    const { runs } = day({ ...alone, rules: { ...RULES, burst } });
    const waits = again(runs).map(({ waited }) => waited);
    expect(waits.slice(0, burst)).toEqual(Array(burst).fill(0));
    for (const wait of waits.slice(burst)) expect(wait).toBeGreaterThanOrEqual(30);
  });

  test.each([30, 600, 86_400])('a max_delay of %i s holds', (maxDelay) => {
    const waits = again(day({ ...alone, rules: { ...RULES, maxDelay } }).runs).map(({ waited }) => waited);
    expect(Math.max(...waits)).toBeLessThanOrEqual(maxDelay);
    if (maxDelay <= 600) expect(waits.at(-1)).toBe(maxDelay);
  });

  test.each([1, 5, 12])('a limit of %i holds, and the notification after it is refused', (limit) => {
    const { runs, refused } = day({ ...alone, rules: { ...RULES, limit } });
    expect(again(runs).map(({ link }) => link)).toEqual(Array.from({ length: limit }, (_, i) => i + 1));
    expect(refused).toBe(1);
  });

  test('a delta that is longer than the back-off is kept', () => {
    const { runs } = day({ ...alone, notifies: [{ name: 'n', delta: 7200 }] });
    for (const { waited } of again(runs)) expect(waited).toBe(7200);
  });

  test('no link is ever smaller than the one before it', () => {
    const links = again(day(alone).runs).map(({ link }) => link);
    for (const [i, link] of links.entries()) expect(link).toBe(i + 1);
  });
});

describe('a day beside a daemon', () => {
  test("a limit holds though the daemon's own runs go on", () => {
    const rules = { ...RULES, limit: 3 };
    const { runs } = day({ notifies: [{ delta: 0 }], runTakes: 5, daemonEvery: 1800, rules });
    // Each run of the daemon that finds no chain pending begins a new one, and 3 reruns are all that it may cause.
    let since = 0;
    for (const { by } of runs) {
      since = by === 'again' ? since + 1 : 0;
      expect(since).toBeLessThanOrEqual(3);
    }
  });

  test.each([5, 60])('burst and max_delay hold, with runs of %i s', (runTakes) => {
    const { runs } = day({ notifies: [{ delta: 0 }], runTakes, daemonEvery: 1800 });
    const waits = again(runs).map(({ waited }) => waited);
    expect(waits.slice(0, 10)).toEqual(Array(10).fill(0));
    for (const wait of waits.slice(10)) expect(wait).toBeGreaterThanOrEqual(30);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1800);
  });

  test('a rerun never begins while the daemon runs, nor the other way round', () => {
    const { runs } = day({ notifies: [{ delta: 0 }], runTakes: 60, daemonEvery: 1800 });
    for (const [i, { began }] of runs.entries())
      expect(began).toBeGreaterThanOrEqual((runs[i - 1]?.began ?? -60_000) + 60_000);
  });
});
