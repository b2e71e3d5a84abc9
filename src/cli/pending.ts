import { monotonic } from '../os/clock.ts';
import { isAlive, type ProcessId } from '../os/process.ts';
import { version } from '../os/version.ts';
import { describeCommand } from '../puppet/describe.ts';
import { isDisabled } from '../puppet/lock.ts';
import { type Condition, describeCheck, describeCondition } from '../schedule/condition.ts';
import { dueTime, type Entry, isDue, isGoing, timeoutAt, waitOver } from '../schedule/entry.ts';
import { describeHold, type Hold } from '../schedule/hold.ts';
import { displayName } from '../schedule/names.ts';
import { quietUntil } from '../schedule/plan.ts';
import { type ChannelRecord, readChannelRecords } from '../state/channel-record.ts';
import { readHold } from '../state/hold.ts';
import { logPath } from '../state/logs.ts';
import { type LooksAt, readLooks } from '../state/looks.ts';
import { journalCommand } from '../state/output.ts';
import { type CommandRecord, hasLivingWaiter, logOf, readRecords } from '../state/records.ts';
import { readWordsOf } from '../wait/condition/words.ts';
import { createSurvey } from '../wait/survey.ts';
import { type ShownHold, shownHold } from './hold.ts';

/** The thing that a waiter waits for right now. */
export type WaitsFor =
  | { readonly kind: 'run' | 'lock'; readonly pid: number }
  /** `condition`: that of a `when`; `condition` of the pending one says more. */
  | { readonly kind: 'timer' | 'condition' | 'grace' | 'enable' | 'nothing' }
  | ({ readonly kind: 'hold' } & ShownHold)
  /** Any other obstacle: a shutdown that is scheduled, a unit, no room on the disk … */
  | { readonly kind: 'held'; readonly because: string };

/** One pending rerun as people and programs see it; the JSON of `again status --json` is a list of these. */
export interface Pending {
  /** `Exec['again']`, or the name of the delta. */
  readonly name: string;
  /** Seconds until it is due, not below 0; null while that depends on a run that has not ended, or on a condition. */
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
  /** Of a `when`. */
  readonly condition?: PendingCondition;
  /** The command that shows the output, where that goes to the journal. */
  readonly journal?: string;
  /** The hold that keeps it from starting, due or not, until `again release` or its end. */
  readonly hold?: ShownHold;
  /** The waiter is an `again run`: the output goes to where that was started. */
  readonly foreground?: true;
}

/** The condition of a `when`, and how far its waiter has come with it. */
export interface PendingCondition {
  /** In words; a command that is Sensitive is shown as such. */
  readonly what: string;
  /** Whether a look has found that it holds. */
  readonly met: boolean;
  /** How often it was looked at by its present waiter. */
  readonly looks: number;
  /** The result of the last look, and how many seconds ago that was; null before the first one. */
  readonly answer: string | null;
  readonly lookedAgo: number | null;
  /** Seconds until it is not waited for any more, not below 0; null while the run has not ended. */
  readonly timeoutIn: number | null;
  /** After that: the rerun all the same, or none. */
  readonly onTimeout: 'run' | 'drop';
}

/** The words of conditions, and the looks at them, which their entries do not have. */
interface Seen {
  readonly words: ReadonlyMap<string, Condition>;
  readonly looks: Readonly<Record<string, LooksAt>>;
}

/** The circumstances that all pending entries share at one moment. */
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
  return [...readBackground(folder, trouble), ...readForeground(folder)].sort(
    (a, b) => (a.dueIn ?? Number.POSITIVE_INFINITY) - (b.dueIn ?? Number.POSITIVE_INFINITY),
  );
}

function readForeground(folder: string): Pending[] {
  const now = monotonic();
  return readChannelRecords().flatMap(({ record }) => {
    const hold = record.stateFolder === folder ? readHold(folder) : undefined;
    const words = record.entries.some(isUnmet) ? readWordsOf(record.waiter) : new Map<string, Condition>();
    return pendingInForeground(record, now, words, hold);
  });
}

/** @param hold the one that counts for this `again run` */
export function pendingInForeground(
  record: ChannelRecord,
  now: number,
  words: ReadonlyMap<string, Condition>,
  hold: Hold | undefined,
): Pending[] {
  const { waiter, command, chain, entries, looks = {} } = record;
  return entries.map((entry) => ({
    ...timesOf(entry, now, { words, looks }),
    waitsFor: waitsForInForeground(record, entry, now, hold),
    command,
    chain,
    pid: waiter.pid,
    log: '',
    foreground: true,
    ...(hold && { hold: shownHold(hold) }),
  }));
}

function waitsForInForeground(
  { entries, heldUp }: ChannelRecord,
  entry: Entry,
  now: number,
  hold: Hold | undefined,
): WaitsFor {
  const before = beforeItIsDue(entries, entry, now);
  if (before) return before;
  if (hold && (heldUp === undefined || heldUp === describeHold(hold)))
    return { kind: 'hold', ...shownHold(hold) };
  return heldUp === undefined ? { kind: 'nothing' } : { kind: 'held', because: heldUp };
}

/** The thing that one of these entries waits for before it is due; undefined for one that is due. */
function beforeItIsDue(entries: readonly Entry[], entry: Entry, now: number): WaitsFor | undefined {
  const running = entries.find(isGoing);
  if (running) return { kind: 'run', pid: running.run.pid };
  if (isDue(entry, now)) return undefined;
  return { kind: isLookedAt(entry, now) ? 'condition' : 'timer' };
}

/** The fields that an entry has whatever is in its way. */
function timesOf(entry: Entry, now: number, seen: Seen) {
  const due = isUnmet(entry) ? undefined : dueTime(entry);
  const condition = conditionOf(entry, now, seen);
  return {
    name: displayName(entry.name),
    dueIn: due === undefined ? null : Math.max(0, Math.round((due - now) / 1000)),
    since: new Date(Date.now() - (now - entry.notifiedAt)).toISOString(),
    delta: entry.delta,
    wait: Math.round(entry.wait / 1000),
    link: entry.link,
    ...(condition && { condition }),
  };
}

function conditionOf(entry: Entry, now: number, { words, looks }: Seen): PendingCondition | undefined {
  const { condition } = entry;
  if (!condition) return undefined;
  const full = words.get(condition.id);
  const seen = looks[condition.id];
  const until = timeoutAt(entry);
  return {
    what: full ? describeCondition(full, describeCheck(full)) : condition.what,
    met: condition.metAt !== undefined,
    looks: seen?.looks ?? 0,
    answer: seen?.answer ?? null,
    lookedAgo: seen ? Math.max(0, Math.round((now - seen.at) / 1000)) : null,
    timeoutIn: until === undefined ? null : Math.max(0, Math.round((until - now) / 1000)),
    onTimeout: condition.onTimeout,
  };
}

/** Whether it has a condition of which nothing has made it due yet. */
function isUnmet({ condition }: Entry): boolean {
  return condition !== undefined && condition.metAt === undefined;
}

/** Whether it waits for its condition, and no more for a time before that. */
function isLookedAt(entry: Entry, now: number): boolean {
  return isUnmet(entry) && (waitOver(entry) ?? Number.POSITIVE_INFINITY) <= now;
}

function readBackground(folder: string, trouble: string | undefined): Pending[] {
  const all = readRecords(folder);
  const records = [...all.values()].filter(hasLivingWaiter);
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
  return [...all].flatMap(([id, record]) => {
    if (!records.includes(record)) return [];
    const hasConditions = record.entries.some(isUnmet);
    const seen = {
      words: hasConditions ? readWordsOf(record.waiter) : new Map<string, Condition>(),
      looks: hasConditions ? readLooks(folder, id, record.waiter) : {},
    };
    return record.entries.map((entry) => pendingOf(record, entry, circumstances, seen));
  });
}

function pendingOf(record: CommandRecord, entry: Entry, circumstances: Circumstances, seen: Seen): Pending {
  const { folder, now, hold } = circumstances;
  return {
    ...timesOf(entry, now, seen),
    waitsFor: waitsFor(record, entry, circumstances),
    command: describeCommand(record.command),
    chain: record.chain,
    pid: record.waiter.pid,
    ...(record.software === version ? {} : { version: record.software }),
    log: logPath(folder, logOf(record, entry)),
    ...(record.logdest === 'journal' && { journal: journalCommand(record.waiter.pid) }),
    ...(hold && { hold }),
  };
}

function waitsFor(
  record: CommandRecord,
  entry: Entry,
  { now, going, hold, trouble }: Circumstances,
): WaitsFor {
  // The end of a run could not be noted.
  const isUnnoted = record.entries.some((entry) => isGoing(entry) && !isAlive(entry.run));
  if (trouble !== undefined && isUnnoted) return { kind: 'held', because: trouble };
  const before = beforeItIsDue(record.entries, entry, now);
  if (before) return before;
  if (trouble !== undefined) return { kind: 'held', because: trouble };
  if (going) return { kind: 'lock', pid: going.pid };
  if (record.command.mode === 'agent' && isDisabled(record.puppet.disabledFile)) return { kind: 'enable' };
  if (hold) return { kind: 'hold', ...hold };
  if (record.heldUp !== undefined) return { kind: 'held', because: record.heldUp };
  return { kind: quietUntil(record.entries) > now ? 'grace' : 'nothing' };
}
