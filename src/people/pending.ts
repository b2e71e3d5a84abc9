import { monotonic } from '../clock.ts';
import { describeCommand } from '../rerun/describe.ts';
import { dueTime, type Entry } from '../schedule/entry.ts';
import { displayName } from '../schedule/names.ts';
import { logPath } from '../state/logs.ts';
import { type CommandRecord, isHeld, readRecords } from '../state/records.ts';
import { findOtherRun } from '../waiter/blocker.ts';

/** What a waiter waits for right now. */
export type WaitsFor =
  | { readonly kind: 'run' | 'lock'; readonly pid: number }
  | { readonly kind: 'timer' | 'enable' | 'nothing' };

/** One pending rerun as people and programs see it; the JSON of `again status --json` is a list of these. */
export interface Pending {
  /** `Exec['again']`, or the name of the delta. */
  readonly name: string;
  /** Seconds until it is due, not below 0; null while that depends on a run that goes on. */
  readonly dueIn: number | null;
  readonly waitsFor: WaitsFor;
  /** When it was asked for: ISO 8601, UTC. */
  readonly since: string;
  readonly delta: number;
  /** Seconds that it waits in fact: the delta, or a chain's back-off, and the splay. */
  readonly wait: number;
  readonly command: string;
  /** Number of this rerun in its chain. */
  readonly link: number;
  readonly chain: string;
  /** Pid of the waiter. */
  readonly pid: number;
  readonly log: string;
}

/** All that is pending in a state folder, soonest first. */
export function readPending(folder: string): Pending[] {
  const now = monotonic();
  return [...readRecords(folder).values()]
    .filter(isHeld)
    .flatMap((record) => record.entries.map((entry) => pendingOf(folder, record, entry, now)))
    .sort((a, b) => (a.dueIn ?? Number.POSITIVE_INFINITY) - (b.dueIn ?? Number.POSITIVE_INFINITY));
}

function pendingOf(folder: string, record: CommandRecord, entry: Entry, now: number): Pending {
  const due = dueTime(entry);
  return {
    name: displayName(entry.name),
    dueIn: due === undefined ? null : Math.max(0, Math.round((due - now) / 1000)),
    waitsFor: waitsFor(record, due, now),
    since: new Date(Date.now() - (now - entry.notifiedAt)).toISOString(),
    delta: entry.delta,
    wait: Math.round(entry.wait / 1000),
    command: describeCommand(record.command),
    link: entry.link,
    chain: record.chain,
    pid: record.waiter.pid,
    log: logPath(folder, record.log),
  };
}

function waitsFor(record: CommandRecord, due: number | undefined, now: number): WaitsFor {
  const going = record.entries.find((entry) => entry.runEndedAt === undefined);
  if (going) return { kind: 'run', pid: going.run.pid };
  if (due === undefined || due > now) return { kind: 'timer' };
  const blocker = findOtherRun(record.command, record.puppet);
  if (blocker?.kind === 'run') return { kind: 'lock', pid: blocker.run.pid };
  return { kind: blocker?.kind === 'disabled' ? 'enable' : 'nothing' };
}
