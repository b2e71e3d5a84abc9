import type { PastRerun } from '../state/history.ts';
import { settleOutcomes, type UnitOutcome } from '../state/outcomes.ts';
import type { Manager } from './manager.ts';
import { isOver, type Properties, remainsActive } from './properties.ts';
import { openManager } from './service-manager.ts';

/** Notes what became of reruns that have ended, also of those that systemd has started: see {@link settleOutcomes}. */
export function settleReruns(folder: string): Promise<void> {
  return settleOutcomes(folder, askUnit);
}

async function askUnit({ unit, invocation, manager }: PastRerun): Promise<UnitOutcome | undefined> {
  if (unit === null || invocation === undefined) return undefined;
  try {
    const whose: Manager = manager === undefined ? { kind: 'system' } : { kind: 'user', user: manager };
    const asked = await openManager(whose);
    try {
      return outcomeOf(await asked.properties(unit), invocation);
    } finally {
      asked.close();
    }
  } catch {
    return undefined; // systemd does not answer: Puppet's report may tell
  }
}

/** By the properties of a unit, how one start of it has ended; undefined where they are those of another start, or none. */
export function outcomeOf(properties: Properties, invocation: string): UnitOutcome | undefined {
  if (properties.InvocationID !== invocation) return undefined;
  const { Result: result = '' } = properties;
  const remains = remainsActive(properties);
  if (!isOver(properties) && !remains) return { kind: 'going' };
  const began = properties.InactiveExitTimestampMonotonic;
  const ended = remains
    ? properties.StateChangeTimestampMonotonic
    : properties.InactiveEnterTimestampMonotonic;
  const seconds = Math.max(0, Math.round((Number(ended) - Number(began)) / 1e5) / 10);
  return { kind: 'ended', result, exitCode: Number(properties.ExecMainStatus ?? 0), seconds };
}
