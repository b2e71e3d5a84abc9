import type { ProcessId } from '../proc/process.ts';
import { dueTime, type Entry } from './entry.ts';

/** What a waiter has to do next. */
export type Step =
  /** Nothing is pending any more. */
  | { readonly kind: 'finish' }
  /** Wait for the end of a run that notified. */
  | { readonly kind: 'await-run'; readonly run: ProcessId }
  /** Wait until this time of the monotonic clock. */
  | { readonly kind: 'await-time'; readonly until: number }
  /** Rerun, as soon as no other run goes on; `due` is when the earliest of what it will satisfy was due. */
  | { readonly kind: 'rerun'; readonly due: number };

/** Decides by what is pending alone; a notifying run that still goes on comes before everything. */
export function nextStep(entries: readonly Entry[], now: number): Step {
  if (entries.length === 0) return { kind: 'finish' };
  const going = entries.find((entry) => entry.runEndedAt === undefined);
  if (going) return { kind: 'await-run', run: going.run };
  const due = Math.min(...entries.map((entry) => dueTime(entry) ?? Number.POSITIVE_INFINITY));
  return due <= now ? { kind: 'rerun', due } : { kind: 'await-time', until: due };
}

/** Parts what a rerun that starts now satisfies from what must wait for a later one. */
export function partition(entries: readonly Entry[], now: number): { due: Entry[]; later: Entry[] } {
  const isDue = (entry: Entry) => (dueTime(entry) ?? Number.POSITIVE_INFINITY) <= now;
  return { due: entries.filter(isDue), later: entries.filter((entry) => !isDue(entry)) };
}
