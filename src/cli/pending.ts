import { monotonic } from '../os/clock.ts';
import type { ProcessId } from '../os/process.ts';
import { version } from '../os/version.ts';
import { describeCommand } from '../puppet/describe.ts';
import { isDisabled } from '../puppet/lock.ts';
import { dueTime, type Entry, earliestStart } from '../schedule/entry.ts';
import { displayName } from '../schedule/names.ts';
import { readChannelRecords } from '../state/channel-record.ts';
import { readHold } from '../state/hold.ts';
import { logPath } from '../state/logs.ts';
import { journalCommand } from '../state/output.ts';
import { type CommandRecord, isHeld, readRecords } from '../state/records.ts';
import { createSurvey } from '../wait/survey.ts';
import { type ShownHold, shownHold } from './hold.ts';

/** What a waiter waits for right now. */
export type WaitsFor =
  | { readonly kind: 'run' | 'lock'; readonly pid: number }
  | { readonly kind: 'timer' | 'grace' | 'enable' | 'nothing' }
  | ({ readonly kind: 'hold' } & ShownHold)
  /** What else is in the way: a shutdown that is scheduled, a unit, no room on the disk … */
  | { readonly kind: 'held'; readonly because: string };

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
  /** The version of `again` that the waiter is, where that is another one than this: an update does not change one that waits. */
  readonly version?: string;
  readonly log: string;
  /** The command that shows the output, where that goes to the journal. */
  readonly journal?: string;
  /** What keeps it from starting, due or not, until `again release` or its end. */
  readonly hold?: ShownHold;
  /** The waiter is an `again run`: the output goes to where that was started. */
  readonly foreground?: true;
}

/** What all that is pending has in common at one moment. */
interface Circumstances {
  readonly folder: string;
  /** Milliseconds of the monotonic clock. */
  readonly now: number;
  /** A Puppet run that is going. */
  readonly going: ProcessId | undefined;
  readonly hold: ShownHold | undefined;
  /** Why nothing can be recorded, such as a full disk. */
  readonly trouble: string | undefined;
}

/** All that is pending in a state folder, and below an `again run`, soonest first. */
export function readPending(folder: string, trouble?: string): Pending[] {
  return [...readBackground(folder, trouble), ...readForeground()].sort(
    (a, b) => (a.dueIn ?? Number.POSITIVE_INFINITY) - (b.dueIn ?? Number.POSITIVE_INFINITY),
  );
}

function readForeground(now = monotonic()): Pending[] {
  return readChannelRecords().flatMap(({ record: { waiter, command, chain, entries } }) =>
    entries.map((entry) => {
      const due = dueTime(entry);
      return {
        ...timesOf(entry, now),
        waitsFor:
          due === undefined ? { kind: 'run' as const, pid: entry.run.pid } : { kind: 'timer' as const },
        command,
        chain,
        pid: waiter.pid,
        log: '',
        foreground: true as const,
      };
    }),
  );
}

/** What an entry says by itself. */
function timesOf(entry: Entry, now: number) {
  const due = dueTime(entry);
  return {
    name: displayName(entry.name),
    dueIn: due === undefined ? null : Math.max(0, Math.round((due - now) / 1000)),
    since: new Date(Date.now() - (now - entry.notifiedAt)).toISOString(),
    delta: entry.delta,
    wait: Math.round(entry.wait / 1000),
    link: entry.link,
  };
}

function readBackground(folder: string, trouble: string | undefined): Pending[] {
  const records = [...readRecords(folder).values()].filter(isHeld);
  if (records.length === 0) return [];
  const survey = createSurvey(
    process.getuid?.() ?? 0,
    records.map((record) => record.puppet.lockFile),
  );
  const [going] = survey.going(survey.look());
  const hold = readHold(folder);
  const circumstances = {
    folder,
    now: monotonic(),
    going: going?.id,
    hold: hold && shownHold(hold),
    trouble,
  };
  return records.flatMap((record) => record.entries.map((entry) => pendingOf(record, entry, circumstances)));
}

function pendingOf(record: CommandRecord, entry: Entry, circumstances: Circumstances): Pending {
  const { folder, now, hold } = circumstances;
  return {
    ...timesOf(entry, now),
    waitsFor: waitsFor(record, entry, circumstances),
    command: describeCommand(record.command),
    chain: record.chain,
    pid: record.waiter.pid,
    ...(record.software === version ? {} : { version: record.software }),
    log: logPath(folder, record.log),
    ...(record.logdest === 'journal' && { journal: journalCommand(record.waiter.pid) }),
    ...(hold && { hold }),
  };
}

function waitsFor(
  record: CommandRecord,
  entry: Entry,
  { now, going, hold, trouble }: Circumstances,
): WaitsFor {
  const due = dueTime(entry);
  const running = record.entries.find((one) => one.runEndedAt === undefined);
  if (running) return { kind: 'run', pid: running.run.pid };
  if (due === undefined || due > now) return { kind: 'timer' };
  if (trouble !== undefined) return { kind: 'held', because: trouble };
  if (going) return { kind: 'lock', pid: going.pid };
  if (record.command.mode === 'agent' && isDisabled(record.puppet.disabledFile)) return { kind: 'enable' };
  if (hold) return { kind: 'hold', ...hold };
  if (record.heldUp !== undefined) return { kind: 'held', because: record.heldUp };
  return { kind: (earliestStart(entry) ?? 0) > now ? 'grace' : 'nothing' };
}
