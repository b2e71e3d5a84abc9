import { closeSync, statSync, writeSync } from 'node:fs';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { type Bytes, toBuffer, toDisplay } from '../os/bytes.ts';
import { monotonic } from '../os/clock.ts';
import { fault, tell } from '../os/fault.ts';
import { removeFile } from '../os/files.ts';
import { log } from '../os/journal.ts';
import { journalWorks, SYSTEMD_CAT } from '../os/journal-stream.ts';
import { self } from '../os/process.ts';
import { readText } from '../os/read.ts';
import { oneLine, Refusal } from '../os/refusal.ts';
import { SECOND_MS } from '../os/second.ts';
import { describeCommand } from '../puppet/describe.ts';
import type { PuppetProcess } from '../puppet/processes.ts';
import { requireAcceptableSize } from '../repeat/argument-size.ts';
import { become } from '../repeat/become.ts';
import { processName, rerunEnvironment } from '../repeat/environment.ts';
import { currentExecutable } from '../repeat/executable.ts';
import { restoreOpenFiles } from '../repeat/limit.ts';
import type { Rerun } from '../repeat/rerun.ts';
import type { ChainLink } from '../schedule/chain.ts';
import { BROKEN_OFF_MS, type Entry, withMet } from '../schedule/entry.ts';
import { displayNames } from '../schedule/names.ts';
import { nextStep, partition } from '../schedule/plan.ts';
import { noteLastStart, noteUnitStart, unitStarts, writeUnitLink } from '../state/chains.ts';
import { forgetCurrentRerun, noteCurrentRerun } from '../state/current.ts';
import { openStateFolder } from '../state/folder.ts';
import {
  forgetPastRerun,
  noteStarted,
  noteStarting,
  type PastRerun,
  writePastRerun,
} from '../state/history.ts';
import { withLock } from '../state/lock.ts';
import { linkLog, logPath, newLogName, pruneLogs, startLog } from '../state/logs.ts';
import { describeOutput, describeOutputOfUnit } from '../state/output.ts';
import {
  type CommandRecord,
  closeRecord,
  isMine,
  jointLineage,
  logOf,
  movedEntries,
  newerVersion,
  readRecord,
  removeRecord,
  withoutObstacle,
  writeRecord,
} from '../state/records.ts';
import { leaveSlot, takeSlot } from '../state/start-slot.ts';
import { removeStrays } from '../state/sweep.ts';
import { parseUnit } from '../systemd/cgroup.ts';
import { startAgain, unitState } from '../systemd/restart.ts';
import type { UnitRestart } from '../systemd/shelter.ts';
import { isShuttingDown } from '../systemd/shutdown.ts';
import type { Blocker } from './blocker.ts';
import type { WaiterContext } from './context.ts';
import { holdInTheWay, otherWaiter, runInTheWay } from './obstacles.ts';
import { merged } from './record.ts';
import { startSuccessor } from './successor.ts';
import type { Survey } from './survey.ts';

/** How long a unit may take to have Puppet at work, and how often that is looked at, in milliseconds. */
const STARTING_MS = 15_000;
const LOOK_MS = 100;

/** Milliseconds for which a look for other runs counts: half of the time in which one that begins may stay unseen. */
const FRESH_MS = 25;

/** How an attempt to start ended, where this process is not Puppet by now. */
export type Attempt =
  /** Nothing is left to wait for: it could not become Puppet, and the log says why; or a unit was started. */
  | { readonly kind: 'over' }
  /** Nothing is due any more, or the record is another one's: look again. */
  | { readonly kind: 'look again' }
  | { readonly kind: 'blocked'; readonly blocker: Blocker };

export interface StartSituation {
  readonly context: WaiterContext;
  readonly survey: Survey;
  /** Called with the record as it is under the lock: what is pending if the start fails. */
  readonly know: (record: CommandRecord) => void;
  /** For how many milliseconds other waiters have been let go first. */
  readonly waited: number;
  readonly cancelled: () => boolean;
  /** Ends the looks at conditions, and what they have started: Puppet must not find itself with a child that it never started. */
  readonly stopLooking: () => Promise<void>;
  /** Which conditions have come to hold, and when, before the record has it. */
  readonly met: ReadonlyMap<string, number>;
}

/** A rerun that was taken out of the record: from here on this process answers for it. */
interface Taken {
  readonly kind?: never;
  readonly record: CommandRecord;
  readonly link: ChainLink;
  readonly past: PastRerun;
  /** Descriptor of the log. */
  readonly output: number;
  readonly restart: UnitRestart | undefined;
}

/** Takes what is due out of the record, leaves the rest to a successor, and becomes Puppet, or has its unit started. */
export async function startRerun(situation: StartSituation): Promise<Attempt> {
  const { context, cancelled } = situation;
  const folder = openStateFolder(context.home);
  const unit = context.restart && (await unitState(context.restart));
  const restart = unit && unit.kind !== 'going' ? context.restart : undefined;
  // Here, since it starts a program: what is due must be in a record meanwhile.
  const limitRestored = !restart && restoreOpenFiles(context.surroundings.openFiles);
  const journal = !restart && context.logdest === 'journal' && journalWorks();
  const taken = await withLock(folder, () => take(situation, folder, restart, journal));
  if (taken.kind !== undefined) return taken;
  try {
    fault('start.taken');
    await refuseIfCancelled(cancelled);
    if (restart) return await startUnit(restart, taken, situation, folder);
    const rerun = prepare(taken, context, limitRestored, folder);
    await refuseIfCancelled(cancelled);
    tellStarted(taken, folder, context);
    fault('start.becoming');
    return become(rerun, () => noteStarted(folder, taken.past));
  } catch (error) {
    // What a shutdown ends is told as lost after the next boot, by the note of this start.
    if (cancelled() && (await isShuttingDown())) return { kind: 'over' };
    giveUp(taken, oneLine(error), cancelled(), context, folder);
    return { kind: 'over' };
  } finally {
    leaveSlot(folder);
  }
}

/**
 * Signals are told to JavaScript only between two turns of its loop, and a start that nothing holds up has none of them: one that has come meanwhile would be lost with this
 * program. One turn may have begun before the signal came.
 *
 * @throws {Refusal} where this process is to end
 */
export async function refuseIfCancelled(cancelled: () => boolean): Promise<void> {
  await turn();
  await turn();
  if (cancelled()) throw new Refusal('cancelled');
}

/** A run has begun since the look for other runs. */
class TooLate extends Error {
  readonly blocker: Blocker;

  constructor(blocker: Blocker) {
    super('another run has begun');
    this.blocker = blocker;
  }
}

/**
 * Under the lock of the folder: a look for other runs, then everything that can fail when the disk is full, and another look where that
 * has taken time. A start that fails, or comes too late, leaves the record as it was, and nothing beside it.
 */
async function take(
  { context, survey, waited, know, stopLooking, met }: StartSituation,
  folder: string,
  restart: UnitRestart | undefined,
  journal: boolean,
): Promise<Taken | Attempt> {
  const record = readRecord(folder, context.id);
  if (!isMine(record)) return { kind: 'look again' };
  know(record);
  const step = nextStep(record.entries, monotonic());
  if (step.kind !== 'rerun' || step.notBefore > monotonic()) return { kind: 'look again' };
  let lookedAt = 0;
  const lookForRuns = () => {
    tell('last look');
    lookedAt = monotonic();
    const run = runInTheWay({ context, survey, look: survey.look() }, folder);
    tell('looked');
    return run;
  };
  const other = holdInTheWay(folder) ?? otherWaiter(record, context, folder, waited) ?? lookForRuns();
  if (other) return { kind: 'blocked', blocker: other };
  await stopLooking();
  pruneLogs(folder);
  removeStrays(folder);

  const { due, later } = partition(withMet(record.entries, met), monotonic());
  const link = { chain: record.chain, link: Math.max(...due.map((entry) => entry.link)) };
  const [log, ...otherLogs] = logsOf(record, due);
  const isTaken = (name: string | undefined) => name === log || otherLogs.includes(name ?? '');
  const taken = { ...record, entries: due, log };
  const past = { ...pastRerun(taken, link, context, restart), ...(journal && { journal }) };
  const what = restart ? `starts ${restart.unit.unit}` : `runs ${describeCommand(record.command)}`;
  const elsewhere = journal ? `, output to ${describeOutput(folder, { pid: past.pid, log, journal })}` : '';
  const late = due.some((entry) => entry.brokenOff)
    ? `, no sooner than ${BROKEN_OFF_MS / SECOND_MS} s after a run that was aborted`
    : '';
  const output = startLog(folder, log, `${past.startedAt} ${what}${late}${elsewhere}`);
  // That of a unit is noted once systemd has started it.
  const noteStart = () => {
    if (!restart) noteLastStart(folder, record.chainKey);
  };
  // Looks that had to be ended, a successor, a slow disk: a run may have begun meanwhile.
  const lookAgain = () => {
    const run = monotonic() - lookedAt > FRESH_MS ? lookForRuns() : undefined;
    if (run) throw new TooLate(run);
  };
  try {
    for (const other of otherLogs) linkLog(folder, log, other);
    fault('start.logged');
    noteStarting(folder, past);
    takeSlot(folder, record.command.mode, record.puppet.lockFile);
    noteCurrentRerun(folder, context.id);
    fault('start.noted');
    if (later.length === 0) {
      lookAgain();
      noteStart();
      closeRecord(folder, context.id, record, newLogName(new Date()));
    } else
      await startSuccessor(context, later[0] as Entry, (waiter) => {
        lookAgain();
        noteStart();
        const its = isTaken(record.log) ? newLogName(new Date()) : record.log;
        // `again now` may have parted two that were to have one rerun.
        const entries = later.map((entry) =>
          isTaken(entry.log) ? { ...entry, log: newLogName(new Date()) } : entry,
        );
        const rest = withoutObstacle({ ...record, waiter, entries, log: its });
        writeRecord(folder, context.id, rest);
        return rest;
      });
  } catch (error) {
    takeBack(folder, context.id, record);
    leaveSlot(folder);
    forgetCurrentRerun(folder, context.id);
    forgetPastRerun(folder, past);
    for (const one of [log, ...otherLogs]) removeFile(logPath(folder, one));
    closeSync(output);
    if (error instanceof TooLate) return { kind: 'blocked', blocker: error.blocker };
    throw error;
  }
  return { record: taken, link, past, output, restart };
}

/** The log of a rerun, and other names that were announced for it, which are to lead to it. */
function logsOf(record: CommandRecord, due: readonly Entry[]): [string, ...string[]] {
  const logs = new Set(due.map((entry) => logOf(record, entry)));
  const log = logs.has(record.log) ? record.log : ([...logs][0] as string);
  logs.delete(log);
  return [log, ...logs];
}

/**
 * Makes this process the waiter again where a successor was recorded already, which ends without what it was to hold. Where there is no room to write that, the record goes: its
 * waiter finds it gone, and writes it as soon as there is room.
 */
function takeBack(folder: string, id: string, record: CommandRecord): void {
  if (isMine(readRecord(folder, id))) return;
  for (const attempt of [() => writeRecord(folder, id, record), () => removeRecord(folder, id)])
    try {
      attempt();
      return;
    } catch {
      // No room, or the folder was removed: then the record that is there now is another process's.
    }
}

/** Prepares the rerun, and refuses if the command can't be repeated as it was, since nothing can be reported after an execve that fails. */
function prepare(
  { record, link, past }: Taken,
  context: WaiterContext,
  limitRestored: boolean,
  folder: string,
): Rerun {
  const { command, boot } = record;
  if (context.manifest !== undefined) requireManifest(context.manifest);
  const rerun = {
    executable: currentExecutable(command.executable, command.argv[0] ?? command.executable, context.image),
    argv: command.argv,
    environment: rerunEnvironment(context.surroundings.environment, link, processName(self(), boot)),
    surroundings: context.surroundings,
    limitRestored,
    log: logPath(folder, record.log),
    ...(past.journal && { journal: SYSTEMD_CAT }),
  };
  requireAcceptableSize(rerun);
  return rerun;
}

/** Has systemd start the unit, and keeps the start slot until its Puppet is seen at work, or has ended. */
async function startUnit(
  restart: UnitRestart,
  taken: Taken,
  { context, survey }: StartSituation,
  folder: string,
): Promise<Attempt> {
  const result = await startAgain(restart, { starts: unitStarts(folder, context.id) });
  if (result.kind === 'refused') throw new Refusal(result.because);
  if (result.kind === 'held') {
    writeSync(taken.output, `again: not yet: ${result.because}\n`);
    closeSync(taken.output);
    const blocker = { kind: 'unit', because: result.because, patience: result.retryAfterMs } as const;
    return (await putBack(taken, context, folder)) ? { kind: 'blocked', blocker } : { kind: 'over' };
  }
  noteStarted(folder, taken.past);
  tellStarted(taken, folder, context);
  try {
    const { invocation, at } = result;
    if (invocation) writePastRerun(folder, { ...taken.past, invocation, ...managerOf(restart) });
    await withLock(folder, () => {
      noteLastStart(folder, taken.record.chainKey);
      if (invocation) writeUnitLink(folder, context.id, invocation, taken.link);
      noteUnitStart(folder, context.id, at);
    });
    await atWork(restart, survey);
  } catch {
    // It was started in any case: without room for its link, or for the time of its start, its chain begins again.
  }
  return { kind: 'over' };
}

/** The manager that is asked later how it has ended. */
function managerOf({ unit: { manager } }: UnitRestart): Pick<PastRerun, 'manager'> {
  return manager.kind === 'user' ? { manager: manager.user } : {};
}

async function atWork(restart: UnitRestart, survey: Survey): Promise<void> {
  const isOfUnit = ({ id }: PuppetProcess) =>
    parseUnit(readText(`/proc/${id.pid}/cgroup`))?.unit === restart.unit.unit;
  for (const deadline = monotonic() + STARTING_MS; monotonic() < deadline; await sleep(LOOK_MS)) {
    if (survey.going(survey.look()).some(isOfUnit) || (await unitState(restart)).kind === 'ended') return;
  }
}

/** Makes pending again what could not be started yet. Returns whether this process still waits for it, and not one that came meanwhile. */
function putBack({ record, past }: Taken, context: WaiterContext, folder: string): Promise<boolean> {
  return withLock(folder, () => {
    const other = readRecord(folder, context.id);
    const newer = other ? undefined : newerVersion(folder, context.id);
    if (newer !== undefined) throw new Refusal(`the record is of a newer version of again by now (${newer})`);
    const again = other
      ? {
          ...other,
          lineage: jointLineage(record, other),
          entries: merged(movedEntries(record), other.entries),
        }
      : { ...record, waiter: self() };
    writeRecord(folder, context.id, again);
    forgetCurrentRerun(folder, context.id);
    forgetPastRerun(folder, past);
    return isMine(again);
  });
}

function tellStarted({ record, link, past, restart }: Taken, folder: string, context: WaiterContext): void {
  const what = restart ? `starts ${restart.unit.unit}` : `runs ${describeCommand(record.command)}`;
  const journal = past.journal === true;
  const file = describeOutput(folder, { pid: past.pid, log: record.log, journal });
  const why = context.logdest === 'journal' && !journal ? ', since the journal cannot be written' : '';
  const where = restart ? describeOutputOfUnit(restart.unit.unit) : `output to ${file}${why}`;
  log('started', `${displayNames(record.entries)}: ${what}, rerun ${link.link} in a row, ${where}`);
}

/** Reports why what was taken out of the record does not run: in the log, in the history, in the journal. */
function giveUp(
  { record, past, output }: Taken,
  failure: string,
  cancelled: boolean,
  context: WaiterContext,
  folder: string,
): void {
  try {
    writeSync(output, `again: not run: ${failure}\n`);
  } catch {
    // No room in the log; the history and the journal still get it.
  }
  forgetCurrentRerun(folder, context.id);
  writePastRerun(folder, { ...past, failure });
  log(cancelled ? 'cancelled' : 'failed', `${displayNames(record.entries)}: ${failure}`);
}

function pastRerun(
  record: CommandRecord,
  { chain, link }: ChainLink,
  context: WaiterContext,
  restart: UnitRestart | undefined,
): PastRerun {
  return {
    version: 1,
    id: record.log.replace(/\.log$/, ''),
    boot: record.boot,
    machine: record.machine,
    pidNamespace: record.pidNamespace,
    startedAt: new Date().toISOString(),
    ...self(),
    command: describeCommand(record.command),
    names: record.entries.map((entry) => entry.name ?? null),
    chain,
    link,
    unit: restart?.unit.unit ?? null,
    failure: null,
    reportFile: context.puppet.reportFile,
  };
}

function requireManifest(manifest: Bytes): void {
  if (!statSync(toBuffer(manifest), { throwIfNoEntry: false }))
    throw new Refusal(`the manifest ${toDisplay(manifest)} is gone`);
}
