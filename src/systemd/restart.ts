import { setTimeout as sleep } from 'node:timers/promises';
import { monotonic } from '../os/clock.ts';
import { readStat } from '../os/process.ts';
import { hasEnded } from '../os/stat.ts';
import { BusError } from './bus.ts';
import {
  isOver,
  lastStartOf,
  neverStartsAgain,
  type Properties,
  parseSpan,
  remainsActive,
} from './properties.ts';
import { openManager } from './service-manager.ts';
import type { UnitRestart } from './shelter.ts';

const POLL_MS = 50;
/** How long a start that is queued behind other jobs may take until systemd gives it a name. */
const PATIENCE_MS = 15_000;
/** The pause until the next look at an obstacle that a person may remove at any moment. */
const LOOK_AGAIN_MS = 5000;
/** The longest pause until the next look at one that ends by itself. */
const LONGEST_PAUSE_MS = 60_000;

/** Something keeps systemd from starting the unit, and may pass. */
export interface BlockedUnit {
  readonly kind: 'held';
  /** One line, for people. */
  readonly because: string;
  /** Milliseconds until another attempt makes sense, 60000 at most. */
  readonly retryAfterMs: number;
}

/** The state of a unit after a run in it has ended. */
export type UnitState =
  /** It has ended, and took with it what is private to it: it can be started. */
  | { readonly kind: 'ended' }
  /** It continues, or stays active after its end: all that it has is still there, and the command can be repeated in it. */
  | { readonly kind: 'going' }
  /** It ends, or its end is not yet known. */
  | { readonly kind: 'changing' }
  /** Something else, such as its timer, has started it meanwhile: a run of its own, which is waited for like any other. */
  | { readonly kind: 'restarted' }
  | BlockedUnit;

/** How the attempt to start a unit went. */
export type StartResult =
  /** `invocation` is the name that systemd gives to this start; undefined where it takes longer than 15 s to begin. `at` is when it was, on the monotonic clock. */
  | { readonly kind: 'started'; readonly invocation: string | undefined; readonly at: number }
  | BlockedUnit
  /** It can't be started, and that does not pass by itself. */
  | { readonly kind: 'refused'; readonly because: string };

/** The things about a unit that systemd does not say. */
export interface Known {
  /** When it was started before, as far as was seen. Default: never. */
  readonly starts?: readonly number[];
  /** Whether the run did not come to its end. Default: it did. */
  readonly brokenOff?: boolean;
}

/** @throws {Error} where systemd can't be asked */
export async function unitState(restart: UnitRestart, known: Known = {}): Promise<UnitState> {
  const asked = await openManager(restart.unit.manager);
  try {
    const properties = await asked.properties(restart.unit.unit);
    return stateFrom(restart, properties, monotonic(), (pid) => !hasEnded(readStat(pid)), known);
  } finally {
    asked.close();
  }
}

/** @param now milliseconds of CLOCK_MONOTONIC, by which systemd counts, too */
export function stateFrom(
  restart: UnitRestart,
  properties: Properties,
  now: number,
  isAlive: (pid: number) => boolean,
  { starts = [], brokenOff = false }: Known = {},
): UnitState {
  const { ActiveState: state, MainPID: main } = properties;
  const remains = remainsActive(properties);
  const isAnother =
    restart.invocation !== '' &&
    Boolean(properties.InvocationID) &&
    properties.InvocationID !== restart.invocation;
  if (isOver(properties) && brokenOff && !isAnother && wasStopped(properties))
    return {
      kind: 'held',
      because: `${restart.unit.unit} was stopped: the rerun waits until it is started`,
      retryAfterMs: LOOK_AGAIN_MS,
    };
  if (isOver(properties) || (remains && isAnother))
    return findHold(restart, properties, now, starts) ?? { kind: 'ended' };
  if (isAnother) return { kind: 'restarted' };
  if (remains) return { kind: 'going' };
  // A unit that the site wants to be started has no process that stays: it is about to end.
  if (restart.wanted) return { kind: 'changing' };
  return { kind: state === 'active' && Number(main) > 0 && isAlive(Number(main)) ? 'going' : 'changing' };
}

/** The exit codes with which timeout(1) says that the time of its command was over. */
const TIME_OVER = new Set(['124', '137']);

/**
 * Whether a unit whose run was broken off was stopped (`systemctl stop`). Puppet then ends with an exit code of its own, or is ended by SIGTERM; a limit of time or
 * of memory has a result of its own, or an exit code of timeout(1).
 */
function wasStopped({ Result: result, ExecMainStatus: status = '' }: Properties): boolean {
  if (TIME_OVER.has(status)) return false;
  return result === 'success' || result === 'exit-code' || (result === 'signal' && status === '15');
}

/** The obstacle to a start of the unit at present. */
function findHold(
  { unit: { unit }, enabled }: UnitRestart,
  properties: Properties,
  now: number,
  starts: readonly number[] = [],
) {
  const blockedBecause = (because: string, retryAfterMs = LOOK_AGAIN_MS): BlockedUnit => ({
    kind: 'held',
    because,
    retryAfterMs: Math.min(retryAfterMs, LONGEST_PAUSE_MS),
  });
  if (properties.LoadState === 'masked') return blockedBecause(`${unit} is masked`);
  if (enabled && properties.UnitFileState === 'disabled') return blockedBecause(`${unit} has been disabled`);
  // systemd would answer a start with success, and do nothing.
  if (remainsActive(properties))
    return blockedBecause(
      `${unit} was started meanwhile and stays active after its end (RemainAfterExit=yes)`,
    );
  if (!isOver(properties)) return blockedBecause(`${unit} was started meanwhile`);
  const interval = parseSpan(properties.StartLimitIntervalUSec);
  const burst = Number(properties.StartLimitBurst);
  if (!(interval > 0 && burst > 0)) return undefined;
  if (properties.Result === 'start-limit-hit') {
    // systemd does not say when the interval began, but it was not later than this.
    const left = Number(properties.StateChangeTimestampMonotonic) / 1000 + interval - now;
    if (left > 0)
      return blockedBecause(
        `systemd has reached the start limit of ${unit} (StartLimitBurst=${burst})`,
        Math.min(left, LOOK_AGAIN_MS), // until `systemctl reset-failed`, maybe
      );
  }
  const left = earliestStart(lastStartOf(properties), starts, interval, burst) - now;
  return left > 0
    ? blockedBecause(`one more start of ${unit} could reach its start limit (StartLimitBurst=${burst})`, left)
    : undefined;
}

/**
 * When one more start keeps a unit within its limit: too many would fail, those of its timer, too. So ours are evenly spread, and none comes while there were as many in one interval as
 * the limit allows, whoever has asked for them. systemd counts in an interval that begins with a start.
 */
function earliestStart(
  last: number | undefined,
  starts: readonly number[],
  interval: number,
  burst: number,
): number {
  if (last === undefined) return Number.NEGATIVE_INFINITY;
  const all = distinct([last, ...starts]);
  const first = all[burst - 1];
  const spread = last + (1.1 * interval) / burst;
  return first === undefined ? spread : Math.max(spread, first + 1.01 * interval);
}

/** Times, newest first. The same start may have been seen more than once. */
function distinct(times: readonly number[]): number[] {
  const sorted = [...times].sort((a, b) => b - a);
  return sorted.filter((time, at) => at === 0 || (sorted[at - 1] as number) - time >= 1);
}

/**
 * Has systemd start the unit, and does not wait for its end. Always a start: a restart would end what its timer has started meanwhile.
 *
 * @throws {Error} where systemd can't be asked
 */
export async function startAgain(restart: UnitRestart, known: Known = {}): Promise<StartResult> {
  const { unit, manager } = restart.unit;
  const asked = await openManager(manager);
  try {
    const before = await asked.properties(unit);
    const obstacle = obstacleTo(restart, before, monotonic(), known);
    if (obstacle) return obstacle;
    await asked.start(unit);
    for (const deadline = monotonic() + PATIENCE_MS; monotonic() < deadline; await sleep(POLL_MS)) {
      const properties = await asked.properties(unit);
      const result = resultFrom(restart, before, properties, monotonic());
      if (result) return result;
    }
    return { kind: 'started', invocation: undefined, at: monotonic() };
  } catch (error) {
    if (error instanceof BusError)
      return { kind: 'refused', because: `systemd does not start ${unit}: ${error.message}` };
    throw error;
  } finally {
    asked.close();
  }
}

/** Why a unit is not started now; undefined where nothing is in the way. Its settings may have changed since the notification, which could refuse it then only where its end was certain. */
export function obstacleTo(
  restart: UnitRestart,
  properties: Properties,
  now: number,
  { starts }: Known = {},
): StartResult | undefined {
  const { unit } = restart.unit;
  if (properties.LoadState === 'not-found')
    return { kind: 'refused', because: `there is no ${unit} any more` };
  const never = neverStartsAgain(properties);
  if (never !== undefined) return { kind: 'refused', because: `${unit} ${never}` };
  return findHold(restart, properties, now, starts);
}

/** The result of a start, by the properties before and after it; undefined where it is not known yet. */
export function resultFrom(
  restart: UnitRestart,
  before: Properties,
  after: Properties,
  now: number,
): StartResult | undefined {
  const { unit } = restart.unit;
  const at = lastStartOf(after) ?? now;
  if (after.InvocationID && after.InvocationID !== before.InvocationID)
    return { kind: 'started', invocation: after.InvocationID, at };
  if (after.Job || !isOver(after)) return undefined;
  if (after.Result === 'start-limit-hit') return findHold(restart, after, now);
  for (const [property, what] of [
    ['ConditionResult', 'conditions'],
    ['AssertResult', 'assertions'],
  ] as const) {
    if (after[property] === 'no')
      return { kind: 'refused', because: `systemd does not start ${unit}: one of its ${what} is not met` };
  }
  // A unit that nothing refers to is forgotten as soon as it has ended, with the name of its start.
  if (!after.InvocationID) return { kind: 'started', invocation: undefined, at };
  return {
    kind: 'refused',
    because: `systemd has not started ${unit}: \`systemctl status ${unit}\` says why`,
  };
}
