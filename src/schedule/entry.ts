import type { ProcessId } from '../proc/process.ts';

/** A notification that no run has satisfied yet. Times are milliseconds of the monotonic clock. */
export interface Entry {
  /** Of the delta; `undefined` for `Exec['again']`, which has no name that a delta could not have too. */
  readonly name?: string;
  /** Seconds, as the manifest says. */
  readonly delta: number;
  readonly startTimerNow: boolean;
  /** Milliseconds to wait: the delta, or the chain's back-off where that is longer, and the splay. */
  readonly wait: number;
  readonly link: number;
  readonly notifiedAt: number;
  /** The notifying run. */
  readonly run: ProcessId;
  readonly runEndedAt?: number;
}

/** When the entry is due, or undefined while that depends on a run that goes on. */
export function dueTime(entry: Entry): number | undefined {
  const from = entry.startTimerNow ? entry.notifiedAt : entry.runEndedAt;
  return from === undefined ? undefined : from + entry.wait;
}

/** Adds a notification: it replaces a pending one of the same name. */
export function withEntry(entries: readonly Entry[], added: Entry): Entry[] {
  return [...entries.filter((entry) => entry.name !== added.name), added];
}

/** Notes the end of a run with the entries that it made. */
export function withRunEnded(entries: readonly Entry[], run: ProcessId, at: number): Entry[] {
  return entries.map((entry) =>
    entry.runEndedAt === undefined && entry.run.pid === run.pid && entry.run.start === run.start
      ? { ...entry, runEndedAt: at }
      : entry,
  );
}

/** Takes out what a run satisfies that began at this time: everything that was due by then. */
export function withoutSatisfied(entries: readonly Entry[], began: number): Entry[] {
  return entries.filter((entry) => (dueTime(entry) ?? Number.POSITIVE_INFINITY) > began);
}
