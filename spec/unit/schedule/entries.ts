import type { Awaited } from '../../../src/schedule/condition.ts';
import type { Entry } from '../../../src/schedule/entry.ts';

/** An entry of a run that has ended at 1000, due at once, with what a test changes. */
export function entry(changes: Partial<Entry> = {}): Entry {
  return {
    delta: 0,
    startTimerNow: false,
    wait: 0,
    link: 1,
    notifiedAt: 500,
    run: { pid: 4711, start: 1 },
    runEndedAt: 1000,
    ...changes,
  };
}

/** The same of a run that has not ended. */
export function goingEntry(changes: Partial<Entry> = {}): Entry {
  const { runEndedAt: _, ...going } = entry();
  return { ...going, ...changes };
}

/** An entry with a condition, looked at from 1000 to 61,000 in every 5000, with what a test changes. */
export function awaitedEntry(changes: Partial<Awaited> = {}, others: Partial<Entry> = {}): Entry {
  const condition: Awaited = {
    id: 'c0ffee',
    what: '/dev/x exists',
    interval: 5000,
    timeout: 60_000,
    onTimeout: 'run',
    splay: 0,
    ...changes,
  };
  return entry({ name: 'w', ...others, condition });
}
