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

/** The same of a run that goes on. */
export function goingEntry(changes: Partial<Entry> = {}): Entry {
  const { runEndedAt: _, ...going } = entry();
  return { ...going, ...changes };
}
