import { monotonic } from '../os/clock.ts';
import { join } from '../os/path.ts';
import { here } from '../os/place.ts';
import { type ProcessId, readStat } from '../os/process.ts';
import { SECOND_MS } from '../os/second.ts';
import { isDisabled } from '../puppet/lock.ts';
import type { PuppetProcess } from '../puppet/processes.ts';
import { chainLinkOf, processName } from '../repeat/environment.ts';
import { backOff } from '../schedule/chain.ts';
import { isDue } from '../schedule/entry.ts';
import { leftOf } from '../schedule/hold.ts';
import { nextStep, type Step } from '../schedule/plan.ts';
import { lastStartOf, unitStarts } from '../state/chains.ts';
import { currentRerun } from '../state/current.ts';
import { readHold } from '../state/hold.ts';
import { type CommandRecord, hasLivingWaiter, readRecords } from '../state/records.ts';
import { isPastStart, slotHolder } from '../state/start-slot.ts';
import { type Known, unitState } from '../systemd/restart.ts';
import type { UnitRestart } from '../systemd/shelter.ts';
import { holdsReruns, scheduledShutdown } from '../systemd/shutdown.ts';
import type { Blocker } from './blocker.ts';
import type { WaiterContext } from './context.ts';
import type { Look, Survey } from './survey.ts';

/** Milliseconds for which a waiter lets another one that is due longer go first; that one may be stopped, or in trouble. */
const COURTESY_MS = 2000;
/** Milliseconds after which a run that is going is looked for again in any case. */
const LONG_MS = 60_000;

/** Milliseconds between two looks at a unit that is about to end. */
const ENDING_MS = 1000;

/** All that a waiter knows when something is due. */
export interface Situation {
  readonly context: WaiterContext;
  readonly record: CommandRecord;
  readonly look: Look;
  readonly survey: Survey;
  /** When the rerun may start by what is pending. */
  readonly notBefore: number;
  /** When the grace time after an ordinary run that was in the way is over. */
  readonly quietUntil: number;
}

/** The most telling obstacle to a rerun that is due, other than another waiter. */
export async function findObstacle(situation: Situation): Promise<Blocker | undefined> {
  const { context, record, notBefore, quietUntil } = situation;
  const folder = join(context.home, 'state');
  const now = monotonic();
  const run = runInTheWay(situation, folder);
  if (run) return run;
  if (record.command.mode === 'agent' && isDisabled(record.puppet.disabledFile)) return { kind: 'disabled' };
  const shutdown = scheduledShutdown();
  if (shutdown && holdsReruns(shutdown, Date.now())) return { kind: 'shutdown', ...shutdown };
  const hold = holdInTheWay(folder);
  if (hold) return hold;
  const brokenOff = record.entries.some((entry) => entry.brokenOff);
  const unit =
    context.restart &&
    (await unitInTheWay(context.restart, { starts: unitStarts(folder, context.id), brokenOff }));
  if (unit) return unit;
  const spaced = spacedUntil(record, context, folder, now);
  if (spaced > now) return { kind: 'time', until: spaced, because: 'back-off' };
  const until = Math.max(notBefore, quietUntil);
  if (until <= now) return undefined;
  return { kind: 'time', until, because: brokenOff && notBefore >= quietUntil ? 'broken off' : 'grace' };
}

/** The hold that `again hold` has set. It is read once more under the lock of the folder: when that command has ended, nothing starts. */
export function holdInTheWay(folder: string): Blocker | undefined {
  const now = Date.now();
  const hold = readHold(folder, now);
  return hold && { kind: 'hold', hold, left: leftOf(hold, now) };
}

/** The obstacle to a start of the unit that takes the command's place. */
async function unitInTheWay(restart: UnitRestart, known: Known): Promise<Blocker | undefined> {
  const state = await unitState(restart, known);
  const { unit } = restart.unit;
  switch (state.kind) {
    case 'held':
      return { kind: 'unit', because: state.because, patience: state.retryAfterMs };
    case 'changing':
    case 'restarted':
      return { kind: 'unit end', unit, restarted: state.kind === 'restarted', patience: ENDING_MS };
    default:
      return undefined;
  }
}

/** A run that is going, or the rerun before this one, which may still wait for Puppet's lock. */
export function runInTheWay(
  { look, survey, context }: Pick<Situation, 'look' | 'survey' | 'context'>,
  folder: string,
): Blocker | undefined {
  const [going] = survey.going(look);
  if (going) {
    const patience = going.atWork ? LONG_MS : survey.mayTakeLock(going);
    return { kind: 'run', run: going.id, patience, stranger: isStrangers(going) };
  }
  const current = currentRerun(folder, context.id);
  return current && { kind: 'run', run: current, patience: LONG_MS, stranger: false };
}

/** Whether a person or a script started a run, and may start another one after it: neither a daemon nor `again` did. */
function isStrangers({ id, mode, environment }: PuppetProcess): boolean {
  return mode !== 'daemon' && chainLinkOf(environment, processName(id, here().boot)) === undefined;
}

/** Beyond the burst, no two reruns of a chain start closer than the back-off, whatever their variables are; unless `again now` was called. */
function spacedUntil(record: CommandRecord, { rules }: WaiterContext, folder: string, now: number): number {
  if (record.entries.some((entry) => entry.hurried && isDue(entry, now))) return now;
  const link = Math.max(...record.entries.map((entry) => entry.link));
  const distance = backOff(link, rules) * SECOND_MS;
  const last = distance > 0 ? lastStartOf(folder, record.chainKey) : undefined;
  return last === undefined ? now : last + distance;
}

/** Another waiter that is about to start, or that comes first. Under the lock of the folder, so that the answer holds until the start. */
export function otherWaiter(
  record: CommandRecord,
  context: WaiterContext,
  folder: string,
  waited: number,
): Blocker | undefined {
  const starting = slotHolder(folder);
  if (starting && !isPastStart(starting)) return { kind: 'start', pid: starting.pid };
  if (waited > COURTESY_MS) return undefined;
  const due = rerunOf(record)?.due ?? Number.POSITIVE_INFINITY;
  for (const [id, other] of readRecords(folder)) {
    if (id === context.id || !hasLivingWaiter(other) || isHeldUp(other, context, folder)) continue;
    const rerun = rerunOf(other);
    if (rerun && rerun.due < due && rerun.notBefore <= monotonic() && !isStopped(other.waiter))
      return { kind: 'turn', pid: other.waiter.pid };
  }
  return undefined;
}

/**
 * Whether another waiter still can't start for the reason that it has noted. It may not have noticed yet that this reason has passed, as this process has just done: then it
 * is not overtaken.
 */
function isHeldUp(other: CommandRecord, context: WaiterContext, folder: string): boolean {
  switch (other.heldUpBy) {
    case 'disabled':
      return isDisabled(other.puppet.disabledFile);
    case 'time':
      return spacedUntil(other, context, folder, monotonic()) > monotonic();
    case 'shutdown':
      return false;
    default:
      return other.heldUp !== undefined;
  }
}

/** The rerun that a waiter would start, as far as its record tells; undefined where nothing is due. */
function rerunOf(record: CommandRecord): (Step & { kind: 'rerun' }) | undefined {
  const step = nextStep(record.entries, monotonic());
  return step.kind === 'rerun' ? step : undefined;
}

/** Whether a process is stopped (SIGSTOP). */
function isStopped({ pid }: ProcessId): boolean {
  return readStat(pid)?.state === 'T';
}
