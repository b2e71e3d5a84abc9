import { type ProcessId, sameProcess } from '../os/process.ts';
import {
  dueTime,
  type Entry,
  graceOver,
  isAwaited,
  isDue,
  isExpired,
  isGoing,
  isNested,
  timeoutAt,
  waitOver,
} from './entry.ts';

/** The next step of a waiter. */
export type Step =
  /** Nothing is pending any more. */
  | { readonly kind: 'finish' }
  /** Wait for the end of a run that notified, or in which one that notified is nested; until this time of the monotonic clock at the latest. */
  | { readonly kind: 'await-run'; readonly run: ProcessId; readonly until?: number }
  /** Wait until this time of the monotonic clock. */
  | { readonly kind: 'await-time'; readonly until: number }
  /** The same, while conditions are looked at: {@link awaitedNow}. */
  | { readonly kind: 'look'; readonly until: number }
  /** Take these out: their conditions have not come to hold in time. */
  | { readonly kind: 'drop'; readonly entries: readonly Entry[] }
  /**
   * Rerun, as soon as nothing is in the way; `due` is when the earliest of what it will satisfy was due, and `notBefore` when the grace time is over, also that of
   * a run that has asked for something later.
   */
  | { readonly kind: 'rerun'; readonly due: number; readonly notBefore: number };

/** Decides by what is pending alone; a notifying run that is still going comes before everything. */
export function nextStep(entries: readonly Entry[], now: number): Step {
  if (entries.length === 0) return { kind: 'finish' };
  const [going] = notifyingRuns(entries);
  if (going) return { kind: 'await-run', run: going };
  const expired = entries.filter((entry) => isExpired(entry, now));
  if (expired.length > 0) return { kind: 'drop', entries: expired };
  const { due } = partition(entries, now);
  if (due.length === 0) {
    const until = Math.min(...entries.map((entry) => nextChange(entry, now)));
    // Its grace time counts from its end, so that is not left to be found when something is due.
    const [outer] = outerRuns(entries);
    if (outer) return { kind: 'await-run', run: outer, until };
    return { kind: awaitedNow(entries, now).length > 0 ? 'look' : 'await-time', until };
  }
  const [outer] = outerRuns(due);
  if (outer) return { kind: 'await-run', run: outer };
  return {
    kind: 'rerun',
    due: Math.min(...due.map(dueOrNever)),
    notBefore: Math.max(...due.map(dueOrNever), quietUntil(entries)),
  };
}

/** When the grace time is over of all runs that have notified and have ended. */
export function quietUntil(entries: readonly Entry[]): number {
  return Math.max(...entries.map((entry) => graceOver(entry) ?? 0));
}

/** The runs that have notified and are going, as far as was noted, each once. */
export function notifyingRuns(entries: readonly Entry[]): ProcessId[] {
  return distinct(entries.filter(isGoing).map(({ run }) => run));
}

/** The same of the runs in which one that has notified is nested. */
export function outerRuns(entries: readonly Entry[]): ProcessId[] {
  return distinct(entries.filter(isNested).flatMap(({ outer }) => outer ?? []));
}

function distinct(runs: readonly ProcessId[]): ProcessId[] {
  return runs.filter((run, index) => runs.findIndex((other) => sameProcess(other, run)) === index);
}

/** Parts what a rerun that starts now satisfies from what must wait for a later one. */
export function partition(entries: readonly Entry[], now: number): { due: Entry[]; later: Entry[] } {
  return {
    due: entries.filter((entry) => isDue(entry, now)),
    later: entries.filter((entry) => !isDue(entry, now)),
  };
}

/** The entries whose conditions are looked at now, also while something else is due and cannot start yet, or another run that has notified is going. */
export function awaitedNow(entries: readonly Entry[], now: number): Entry[] {
  return entries.filter((entry) => isAwaited(entry, now));
}

/** When time alone changes what an entry asks for. */
function nextChange(entry: Entry, now: number): number {
  const times = entry.condition ? [waitOver(entry), timeoutAt(entry), dueTime(entry)] : [dueTime(entry)];
  return Math.min(...times.map((time) => time ?? Number.POSITIVE_INFINITY).filter((time) => time > now));
}

function dueOrNever(entry: Entry): number {
  return dueTime(entry) ?? Number.POSITIVE_INFINITY;
}
