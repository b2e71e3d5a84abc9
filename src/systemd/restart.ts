import { monotonic } from '../clock.ts';
import { sleep } from '../sleep.ts';
import type { UnitRestart } from './shelter.ts';
import { showUnit, startUnit } from './systemctl.ts';

const POLL_MS = 200;
/** How long a start that is queued behind other jobs may take until systemd gives it a name. */
const PATIENCE_MS = 15_000;

/** Whether the unit has ended, so that a start begins it anew and does not merge into what still goes on. */
export async function hasEnded({ unit, verb }: UnitRestart): Promise<boolean> {
  const { ActiveState: state } = await showUnit(unit, ['ActiveState']);
  return state === 'inactive' || state === 'failed' || (state === 'active' && verb === 'restart');
}

/**
 * Starts the unit again and does not wait for its end.
 *
 * @returns the name that systemd gives to this start, or undefined where it takes longer than 15 s to begin
 * @throws {Error} with what systemctl says
 */
export async function startAgain({ unit, verb }: UnitRestart): Promise<string | undefined> {
  const before = (await showUnit(unit, ['InvocationID'])).InvocationID;
  await startUnit(unit, verb);
  for (const deadline = monotonic() + PATIENCE_MS; monotonic() < deadline; await sleep(POLL_MS)) {
    const { InvocationID: now } = await showUnit(unit, ['InvocationID']);
    if (now && now !== before) return now;
  }
  return undefined;
}
