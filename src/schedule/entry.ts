import { type ProcessId, sameProcess } from '../os/process.ts';
import { SECOND_MS } from '../os/second.ts';
import type { Awaited } from './condition.ts';

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
  /** By how many milliseconds the end of the run may have been noticed late. */
  readonly noticedLate?: number;
  /** The outermost Puppet run in which the notifying run is nested, and when that ended. */
  readonly outer?: ProcessId;
  readonly outerEndedAt?: number;
  /** Milliseconds that pass after the end of the outermost run before a rerun starts, due or not: the script that started the run goes first. */
  readonly grace?: number;
  /** Whether the run was broken off, by Ctrl-C or a time limit; `grace` is longer then. */
  readonly brokenOff?: boolean;
  /** Of a `when`: what must hold before it is due. It is looked at from the time on at which a delta would be due. */
  readonly condition?: Awaited;
  /** Since when a look is wanted, where a run in the foreground has kept the looks from it; until that look has its answer. */
  readonly lookWantedSince?: number;
  /** The log that was announced for its rerun, where that is not the record's: the rerun of another entry, due at another time, has that. */
  readonly log?: string;
  /** Whether `again now` was called for it: the distance from the rerun before does not count then. */
  readonly hurried?: boolean;
}

/** Milliseconds that pass after a run that was broken off: a person ended it on purpose, or a limit did. */
export const BROKEN_OFF_MS = 30 * SECOND_MS;

/** When the wait is over that counts from the run or its notification, or undefined while that depends on a run that is going. */
export function waitOver(entry: Entry): number | undefined {
  const from = entry.startTimerNow ? entry.notifiedAt : entry.runEndedAt;
  return from === undefined ? undefined : from + entry.wait;
}

/** When the entry is due, or undefined while that depends on a run that is going, or on a condition that does not hold yet and would be dropped. */
export function dueTime(entry: Entry): number | undefined {
  const { condition } = entry;
  if (!condition) return waitOver(entry);
  const since = condition.metAt ?? (condition.onTimeout === 'run' ? timeoutAt(entry) : undefined);
  return since === undefined ? undefined : since + condition.splay;
}

/** Milliseconds for which the answer of one look is waited for. */
const LONGEST_LOOK_MS = 60 * SECOND_MS;

/**
 * When a condition is not waited for any more; undefined for an entry without one, and while the run is going. A wait that is longer than the timeout, such as a
 * back-off, is followed by looks for one interval. A run in the foreground, during which nothing is looked at, is followed by one look, where the entry would be dropped.
 */
export function timeoutAt({ condition, runEndedAt, wait, lookWantedSince }: Entry): number | undefined {
  if (!condition || runEndedAt === undefined) return undefined;
  const { timeout, interval, onTimeout } = condition;
  const regular = runEndedAt + (wait < timeout ? timeout : wait + interval);
  return lookWantedSince === undefined || onTimeout === 'run'
    ? regular
    : Math.max(regular, lookWantedSince + LONGEST_LOOK_MS);
}

/** Whether a look is wanted now to tell whether the entry is due. */
export function isAwaited(entry: Entry, now: number): boolean {
  const { condition } = entry;
  if (!condition || condition.metAt !== undefined) return false;
  return (waitOver(entry) ?? Number.POSITIVE_INFINITY) <= now && now < (timeoutAt(entry) ?? 0);
}

/** Whether a condition has not come to hold in its time, and asks for no rerun then. */
export function isExpired(entry: Entry, now: number): boolean {
  const { condition } = entry;
  if (!condition || condition.metAt !== undefined || condition.onTimeout === 'run') return false;
  return (timeoutAt(entry) ?? Number.POSITIVE_INFINITY) <= now;
}

/** Whether an entry is due only because the time of its condition is over. */
export function isTimedOut(entry: Entry, now: number): boolean {
  return entry.condition !== undefined && entry.condition.metAt === undefined && isDue(entry, now);
}

/** Notes the conditions that hold. */
export function withMet(entries: readonly Entry[], met: ReadonlyMap<string, number>): Entry[] {
  return entries.map((entry) => {
    const { condition } = entry;
    const metAt = condition && condition.metAt === undefined ? met.get(condition.id) : undefined;
    return condition && metAt !== undefined ? { ...entry, condition: { ...condition, metAt } } : entry;
  });
}

/** Whether two entries are one and the same: a delta and a `when` of one name are two. */
export function isSameEntry(a: Entry, b: Entry): boolean {
  return a.name === b.name && (a.condition === undefined) === (b.condition === undefined);
}

/** Whether two entries come from one notification, and not from a later one of the same name. */
export function isSameNotification(a: Entry, b: Entry): boolean {
  return isSameEntry(a, b) && a.notifiedAt === b.notifiedAt;
}

export function isDue(entry: Entry, by: number): boolean {
  return (dueTime(entry) ?? Number.POSITIVE_INFINITY) <= by;
}

/** Whether its run has not ended yet, as far as was noted. */
export function isGoing({ runEndedAt }: Entry): boolean {
  return runEndedAt === undefined;
}

/** Whether a run in which its run is nested has not ended yet, as far as was noted. */
export function isNested({ outer, outerEndedAt }: Entry): boolean {
  return outer !== undefined && outerEndedAt === undefined;
}

/** When the grace time after the outermost run is over. Undefined while that is going. */
export function graceOver({ outer, outerEndedAt, runEndedAt, grace = 0 }: Entry): number | undefined {
  const ended = outer ? outerEndedAt : runEndedAt;
  return ended === undefined ? undefined : ended + grace;
}

/** Notes that a run in the foreground has ended: the conditions of runs before it want a look. */
export function withLookWanted(entries: readonly Entry[], since: number): Entry[] {
  return entries.map((entry) =>
    entry.condition && entry.runEndedAt !== undefined ? { ...entry, lookWantedSince: since } : entry,
  );
}

/** Notes that conditions were looked at. */
export function withLook(entries: readonly Entry[], ids: readonly string[]): Entry[] {
  return entries.map((entry) => {
    if (!entry.condition || !ids.includes(entry.condition.id)) return entry;
    const { lookWantedSince: _, ...looked } = entry;
    return looked;
  });
}

/** Adds a notification: it replaces a pending one of the same name and kind. */
export function withEntry(entries: readonly Entry[], added: Entry): Entry[] {
  return [...withoutEntry(entries, added), added];
}

/** Leaves out the one of the same name and kind. */
export function withoutEntry(entries: readonly Entry[], replaced: Entry): Entry[] {
  return entries.filter((entry) => !isSameEntry(entry, replaced));
}

/** Whether two entries are due together: one run has asked for both, and both wait as long after it. Only `again now` can part them. */
export function areDueTogether(one: Entry, other: Entry): boolean {
  return (
    sameProcess(one.run, other.run) &&
    one.wait === other.wait &&
    !one.startTimerNow &&
    !other.startTimerNow &&
    !one.condition &&
    !other.condition
  );
}

/** How a run ended, as far as it can be told. */
export interface RunEnd {
  /** When that was noticed, and by how many milliseconds that may be late. */
  readonly at: number;
  readonly late?: number;
  readonly brokenOff?: boolean;
}

/** Notes the end of a run with the entries that it made, or that were made inside of it. */
export function withRunEnded(entries: readonly Entry[], run: ProcessId, end: RunEnd): Entry[] {
  const isIt = (other: ProcessId | undefined) => other !== undefined && sameProcess(other, run);
  return entries.map((entry) => {
    if (isGoing(entry) && isIt(entry.run)) {
      return {
        ...entry,
        runEndedAt: end.at,
        ...(end.late === undefined ? {} : { noticedLate: end.late }),
        ...(end.brokenOff ? { brokenOff: true, grace: Math.max(entry.grace ?? 0, BROKEN_OFF_MS) } : {}),
      };
    }
    return isNested(entry) && isIt(entry.outer) ? { ...entry, outerEndedAt: end.at } : entry;
  });
}

/** The entries that are left once this run has done all that was due when it began; those that the run itself has asked for stay. */
export function leftBy(entries: readonly Entry[], run: { id: ProcessId; began: number }): Entry[] {
  const left = new Set(withoutSatisfied(entries, run.began));
  return entries.filter((entry) => left.has(entry) || sameProcess(entry.run, run.id));
}

/**
 * Takes out what a run satisfies that began at this time: everything that was due by then. An entry that counts from the end of its run was due when that
 * run really ended, which may have been noticed a little later. A condition holds from the look on that found it.
 */
export function withoutSatisfied(entries: readonly Entry[], began: number): Entry[] {
  return entries.filter(
    (entry) => !isDue(entry, began + (entry.startTimerNow || entry.condition ? 0 : (entry.noticedLate ?? 0))),
  );
}
