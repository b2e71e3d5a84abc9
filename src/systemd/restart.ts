import { monotonic } from '../clock.ts';
import { readStat } from '../proc/process.ts';
import { hasEnded } from '../proc/stat.ts';
import { sleep } from '../sleep.ts';
import type { Properties } from './properties.ts';
import type { UnitRestart } from './shelter.ts';
import { showUnit, startUnit } from './systemctl.ts';

const POLL_MS = 200;
/** How long a start that is queued behind other jobs may take until systemd gives it a name. */
const PATIENCE_MS = 15_000;

/** What a unit does after a run in it has ended. */
export type UnitState =
  /** It has ended, and took with it what is private to it. */
  | 'ended'
  /** Its main process goes on: all that it has is still there. */
  | 'going'
  /** It ends, or starts, or its end is not yet known. */
  | 'changing';

export async function unitState({ unit }: UnitRestart): Promise<UnitState> {
  const properties = await showUnit(unit, ['ActiveState', 'SubState', 'MainPID']);
  return stateFrom(properties, (pid) => !hasEnded(readStat(pid)));
}

export function stateFrom(properties: Properties, isAlive: (pid: number) => boolean): UnitState {
  const { ActiveState: state, SubState: detail, MainPID: main } = properties;
  if (state === 'inactive' || state === 'failed' || (state === 'active' && detail === 'exited'))
    return 'ended';
  return state === 'active' && Number(main) > 0 && isAlive(Number(main)) ? 'going' : 'changing';
}

/**
 * Starts the unit again and does not wait for its end.
 *
 * @returns the name that systemd gives to this start, or undefined where it takes longer than 15 s to begin
 * @throws {Error} with what systemctl says
 */
export async function startAgain({ unit }: UnitRestart): Promise<string | undefined> {
  const { ActiveState: state, InvocationID: before } = await showUnit(unit, ['ActiveState', 'InvocationID']);
  // A oneshot unit that stays active after its end takes a restart: a start would do nothing.
  await startUnit(unit, state === 'active' ? 'restart' : 'start');
  for (const deadline = monotonic() + PATIENCE_MS; monotonic() < deadline; await sleep(POLL_MS)) {
    const { InvocationID: now } = await showUnit(unit, ['InvocationID']);
    if (now && now !== before) return now;
  }
  return undefined;
}
