import { existsSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { bootId, monotonic } from '../os/clock.ts';
import { type ProcessId, readAncestry, sameProcess } from '../os/process.ts';
import { Refusal } from '../os/refusal.ts';
import { SECOND_MS } from '../os/second.ts';
import { identifyForForeground } from '../puppet/identify.ts';
import { dueTime, type Entry, waitOver } from '../schedule/entry.ts';
import { describeHold } from '../schedule/hold.ts';
import { displayName } from '../schedule/names.ts';
import { readChannelRecords } from '../state/channel-record.ts';
import { currentReruns } from '../state/current.ts';
import { openStateFolder } from '../state/folder.ts';
import { newestRerun, type PastRerun, readHistory } from '../state/history.ts';
import { readHold } from '../state/hold.ts';
import { LOCK_PATIENCE_MS, withLock } from '../state/lock.ts';
import { isOpen } from '../state/outcomes.ts';
import { describeOutput, describeOutputOfUnit } from '../state/output.ts';
import { hasLivingWaiter, readRecords } from '../state/records.ts';
import { home } from '../state/settings.ts';
import { settleReruns } from '../systemd/outcome.ts';
import { openManager } from '../systemd/service-manager.ts';
import { TIME_OVER } from './outcome.ts';

export interface WaitOptions {
  /** Seconds; undefined for no end. */
  readonly timeout: number | undefined;
  /** Seconds: entries that are due later than that are not waited for; undefined for waiting for all. */
  readonly maxWait: number | undefined;
  readonly quiet: boolean;
}

/** Milliseconds between two looks. */
const LOOK_MS = 200;

export const FAILED = 4;
export const UNKNOWN = 5;

/**
 * Blocks until nothing is pending and no rerun is going, and says what happens meanwhile.
 *
 * @returns 0 where the last rerun in the background that was seen ended well, or there was none; 4 where it failed, 5 where that can't be told, 124 where the time is
 * over. The result of an `again run` is known to its caller alone
 * @throws {Refusal} below a Puppet run, whose own end would be waited for; where another process keeps the lock of the folder
 */
export async function waitUntilQuiet(
  options: WaitOptions,
  say: (line: string) => void = sayOnOutput,
): Promise<number> {
  const ancestry = [...readAncestry(process.ppid)];
  const run = identifyForForeground(ancestry, process.getuid?.() ?? 0);
  if (run)
    throw new Refusal(
      `\`again wait\` is below a Puppet run (pid ${run.process.pid}), and would wait for the end of that: call it after the run`,
    );
  const ancestors = new Set(ancestry.map(({ id }) => id.pid));
  const folder = openStateFolder(home());
  const events = createEvents(folder, options.quiet ? () => {} : say);
  const deadline = monotonic() + (options.timeout ?? Number.POSITIVE_INFINITY) * SECOND_MS;
  const isQuiet = async () => {
    if (isBusy(await lookAround(folder, ancestors), options, events.note)) return false;
    // Under the lock nothing starts, and a run that has ended has recorded by then what it asked for.
    return !isBusy(await lockedLook(folder, ancestors, deadline), options, events.note);
  };
  for (;;) {
    try {
      if (await isQuiet()) return await events.end();
    } catch (error) {
      // The folder may be on its way out.
      await sleep(LOOK_MS);
      if (!existsSync(folder)) {
        events.say('nothing is pending: `again` was removed');
        return 0;
      }
      if (!(error instanceof Refusal) || monotonic() < deadline) throw error;
    }
    if (monotonic() >= deadline) {
      events.say(`the ${options.timeout} s of --timeout are over`);
      return TIME_OVER;
    }
    await sleep(Math.min(LOOK_MS, Math.max(1, deadline - monotonic())));
  }
}

/** The state at one moment. */
export interface Look {
  readonly now: number;
  readonly pending: readonly Entry[];
  /** The processes that are reruns, or about to become one. */
  readonly current: readonly ProcessId[];
  /** The id of the newest rerun, where that was the start of a unit which is not at rest. */
  readonly unit: string | undefined;
  /** Pids of each `again run` in which a rerun was asked for: it lives until nothing is pending there. */
  readonly foreground: readonly number[];
  /** The reruns that were started so far. */
  readonly past: readonly PastRerun[];
  /** Which hold keeps what is pending from starting, in words. */
  readonly hold: string | undefined;
}

/**
 * @param deadline when the wait is over, in milliseconds of the monotonic clock
 * @throws {Refusal} where another process keeps the lock: then it is not certain that all is quiet
 */
async function lockedLook(folder: string, ancestors: ReadonlySet<number>, deadline: number): Promise<Look> {
  const patience = Math.min(LOCK_PATIENCE_MS, Math.max(0, deadline - monotonic()));
  try {
    return await withLock(folder, () => lookAround(folder, ancestors), patience);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    return lookAround(folder, ancestors); // no room for a lock
  }
}

/** @param ancestors  an `again run` among these waits for the end of this process */
async function lookAround(folder: string, ancestors: ReadonlySet<number>): Promise<Look> {
  // A rerun that begins meanwhile is going, and not remembered yet: the next look tells of it. A run records what it asks for before it ends.
  const past = readHistory(folder);
  const current = currentReruns(folder);
  const unit = await goingUnit(newestRerun(folder));
  const pending = [...readRecords(folder).values()]
    .filter(hasLivingWaiter)
    .flatMap((record) => record.entries);
  const hold = readHold(folder);
  const foreground = readChannelRecords()
    .map(({ record }) => record.waiter.pid)
    .filter((pid) => !ancestors.has(pid));
  return { now: monotonic(), pending, current, unit, foreground, past, hold: hold && describeHold(hold) };
}

/** States of a unit whose main process has not ended (systemd(1), UNITS); one that stays active after its end is at rest. */
const STATES = ['activating', 'deactivating', 'reloading'];

/** The id of a rerun, where that was a unit's start, and that unit is still going. */
async function goingUnit(newest: PastRerun | undefined): Promise<string | undefined> {
  if (newest?.unit == null || newest.outcome || newest.boot !== bootId()) return undefined;
  const user = process.getuid?.() ?? 0;
  try {
    const manager = await openManager(user === 0 ? { kind: 'system' } : { kind: 'user', user });
    try {
      const { ActiveState, SubState } = await manager.properties(newest.unit);
      const isGoing = STATES.includes(String(ActiveState)) || SubState === 'running';
      return isGoing ? newest.id : undefined;
    } finally {
      manager.close();
    }
  } catch {
    return undefined; // systemd does not answer: nothing can be told of it
  }
}

function isBusy(
  look: Look,
  { maxWait }: WaitOptions,
  note: (look: Look, awaited: readonly Entry[]) => void,
): boolean {
  const until = look.now + (maxWait ?? Number.POSITIVE_INFINITY) * SECOND_MS;
  // An entry with a condition may be due at any moment from its first look on.
  const soonest = (entry: Entry) =>
    (entry.condition && entry.condition.metAt === undefined ? waitOver(entry) : dueTime(entry)) ??
    look.now + entry.wait;
  const awaited = look.pending.filter((entry) => soonest(entry) <= until);
  note(look, awaited);
  return look.unit !== undefined || [awaited, look.current, look.foreground].some((each) => each.length > 0);
}

/** Tells what changes from one look to the next, and remembers the last rerun. */
export function createEvents(folder: string, say: (line: string) => void) {
  let before: ReadonlySet<string> | undefined;
  let announced = new Set<string>();
  let hold: string | undefined;
  const foreground = new Set<number>();
  const begun = new Set<string>();
  const told = new Set<string>();
  let skipped = 0;

  const tellStart = (rerun: PastRerun) => {
    if (begun.has(rerun.id)) return;
    begun.add(rerun.id);
    const names = rerun.names.map(displayName).join(', ');
    if (rerun.failure === null)
      return say(
        `rerun of \`${rerun.command}\` has started (${names}), pid ${rerun.pid}, ${outputOf(folder, rerun)}`,
      );
    told.add(rerun.id);
    say(`rerun of \`${rerun.command}\` (${names}): ${resultOf(rerun)}`);
  };
  const tellEnd = (rerun: PastRerun) => {
    if (told.has(rerun.id)) return;
    told.add(rerun.id);
    say(`rerun of \`${rerun.command}\` has ended: ${resultOf(rerun)}`);
  };
  return {
    say,
    note(look: Look, awaited: readonly Entry[]) {
      before ??= new Set(look.past.filter((rerun) => !isGoing(look, rerun)).map(({ id }) => id));
      for (const rerun of look.past) {
        if (before.has(rerun.id)) continue;
        tellStart(rerun);
        if (!isOpen(rerun)) tellEnd(rerun);
      }
      for (const pid of look.foreground.filter((one) => !foreground.has(one))) {
        foreground.add(pid);
        say(`waits for the end of an \`again run\`, pid ${pid}`);
      }
      for (const pid of [...foreground].filter((one) => !look.foreground.includes(one))) {
        foreground.delete(pid);
        say(`the \`again run\` with pid ${pid} has ended: its own exit code says how`);
      }
      const names = new Set(awaited.map((entry) => `${displayName(entry.name)}${whenOf(entry, look.now)}`));
      const keys = new Set(
        awaited.map(
          ({ name = '', notifiedAt, runEndedAt, condition }) =>
            `${name} ${notifiedAt} ${runEndedAt === undefined} ${condition?.metAt}`,
        ),
      );
      if ([...keys].some((key) => !announced.has(key))) say(`waits for ${[...names].join('; ')}`);
      announced = keys;
      if (awaited.length > 0 && look.hold !== hold) {
        say(look.hold === undefined ? 'the hold is over' : `held: nothing starts before ${look.hold}`);
        hold = look.hold;
      }
      skipped = look.pending.length - awaited.length;
    },
    /** All is quiet: the exit code. */
    async end(): Promise<number> {
      await settleReruns(folder);
      const last = readHistory(folder)
        .filter(({ id }) => begun.has(id))
        .at(-1);
      if (last) tellEnd(last);
      say(
        skipped > 0 ? `nothing else is pending (${skipped} due later than --max-wait)` : 'nothing is pending',
      );
      return last ? codeOf(last) : 0;
    },
  };
}

/** Whether a rerun is going. A pid may have been another rerun's, and a unit has had other starts. */
function isGoing({ current, unit }: Look, rerun: PastRerun): boolean {
  const isCurrent = rerun.boot === bootId() && current.some((one) => sameProcess(one, rerun));
  return isOpen(rerun) && (isCurrent || rerun.id === unit);
}

function whenOf(entry: Entry, now: number): string {
  const { condition } = entry;
  if (condition && condition.metAt === undefined && entry.runEndedAt !== undefined)
    return `, which waits until ${condition.what}`;
  const due = dueTime(entry);
  if (due === undefined) return `, which waits for the end of the run with pid ${entry.run.pid}`;
  const seconds = Math.max(0, Math.ceil((due - now) / SECOND_MS));
  return seconds === 0 ? ', which is due' : `, which is due in ${seconds} s`;
}

function outputOf(folder: string, { id, pid, unit, journal = false }: PastRerun): string {
  const place = describeOutput(folder, { pid, log: `${id}.log`, journal });
  return unit === null ? `output to ${place}` : describeOutputOfUnit(unit);
}

function resultOf({ failure, outcome }: PastRerun): string {
  if (failure !== null) return `not run: ${failure}`;
  return outcome?.status ?? 'with a result that cannot be told';
}

/** The exit code that stands for how a rerun ended. */
export function codeOf({ failure, outcome }: Pick<PastRerun, 'failure' | 'outcome'>): number {
  if (failure !== null || outcome?.status === 'failed') return FAILED;
  return outcome ? 0 : UNKNOWN;
}

function sayOnOutput(line: string): void {
  try {
    writeSync(1, `${line}\n`);
  } catch {
    // Closed: it is not read.
  }
}
