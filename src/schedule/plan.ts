import type { ProcessId } from '../os/process.ts';
import { dueTime, type Entry, earliestStart, isDue } from './entry.ts';

/** What a waiter has to do next. */
export type Step =
  /** Nothing is pending any more. */
  | { readonly kind: 'finish' }
  /** Wait for the end of a run that notified, or in which one that notified is nested. */
  | { readonly kind: 'await-run'; readonly run: ProcessId }
  /** Wait until this time of the monotonic clock. */
  | { readonly kind: 'await-time'; readonly until: number }
  /**
   * Rerun, as soon as nothing is in the way; `due` is when the earliest of what it will satisfy was due, and `notBefore` when the grace time of all of it
   * is over.
   */
  | { readonly kind: 'rerun'; readonly due: number; readonly notBefore: number };

/** Decides by what is pending alone; a notifying run that still goes on comes before everything. */
export function nextStep(entries: readonly Entry[], now: number): Step {
  if (entries.length === 0) return { kind: 'finish' };
  const going = entries.find((entry) => entry.runEndedAt === undefined);
  if (going) return { kind: 'await-run', run: going.run };
  const { due } = partition(entries, now);
  if (due.length === 0) return { kind: 'await-time', until: Math.min(...entries.map(dueOrNever)) };
  const nested = due.find((entry) => entry.outer && entry.outerEndedAt === undefined);
  if (nested?.outer) return { kind: 'await-run', run: nested.outer };
  return {
    kind: 'rerun',
    due: Math.min(...due.map(dueOrNever)),
    notBefore: Math.max(...due.map((entry) => earliestStart(entry) ?? Number.POSITIVE_INFINITY)),
  };
}

/** Parts what a rerun that starts now satisfies from what must wait for a later one. */
export function partition(entries: readonly Entry[], now: number): { due: Entry[]; later: Entry[] } {
  return {
    due: entries.filter((entry) => isDue(entry, now)),
    later: entries.filter((entry) => !isDue(entry, now)),
  };
}

function dueOrNever(entry: Entry): number {
  return dueTime(entry) ?? Number.POSITIVE_INFINITY;
}
