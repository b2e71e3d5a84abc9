import { existsSync } from 'node:fs';
import { readBytes } from '../read.ts';
import { oneLine, Refusal } from '../refusal.ts';
import type { Run } from '../run/types.ts';
import { parseUnit, type UnitOfProcess } from './cgroup.ts';
import type { Manager } from './manager.ts';
import { killsItsProcesses, type Properties, privateSurroundings } from './properties.ts';
import { showLogind, showUnit } from './systemctl.ts';

/** What a waiter needs so that it lives longer than the unit of its run. */
export interface Shelter {
  /** The scope that it must be moved to; undefined where it can stay. */
  readonly scope:
    | { readonly manager: Manager; readonly slice: string | undefined; readonly because: string }
    | undefined;
  /** The unit that is to be started instead of the command, since what the run needs ends with the unit. */
  readonly restart: UnitRestart | undefined;
}

export interface UnitRestart {
  readonly unit: UnitOfProcess;
  /** Whether the unit surely ends with the run. Where it goes on, what is private to it does, too, and the command is repeated there. */
  readonly certain: boolean;
  readonly because: string;
}

const NONE: Shelter = { scope: undefined, restart: undefined };

/**
 * Finds out what would happen to a waiter when its run ends.
 *
 * @throws {Refusal} where the waiter can't survive, or systemd can't be asked: no silent loss
 */
export async function findShelter(run: Run, environment: readonly string[]): Promise<Shelter> {
  if (run.process.pid === 1) {
    throw new Refusal(
      'this Puppet run is the main process of a container (pid 1), which ends with it: there is nothing to run again in',
    );
  }
  if (!existsSync('/run/systemd/system')) return NONE;
  const found = parseUnit(readBytes(`/proc/${run.process.pid}/cgroup`));
  if (!found || !/^session-.*\.scope$|\.service$/.test(found.unit)) return NONE;
  try {
    if (found.unit.endsWith('.service'))
      return shelterFromService(found, await showUnit(found), run, environment);
    if (await clearsSession()) {
      return {
        ...NONE,
        scope: {
          manager: found.manager,
          slice: undefined,
          because: `${found.unit} is cleared at its end (KillUserProcesses=yes)`,
        },
      };
    }
    return NONE;
  } catch (error) {
    throw new Refusal(
      `systemd cannot be asked whether ${found.unit} kills what it leaves behind: ${oneLine(error)}`,
    );
  }
}

/** What the properties of a service mean for a waiter. */
export function shelterFromService(
  unit: UnitOfProcess,
  properties: Properties,
  run: Run,
  environment: readonly string[],
): Shelter {
  const kills = killsItsProcesses(properties);
  const scope = kills
    ? {
        manager: unit.manager,
        slice: properties.Slice || undefined,
        because: `${unit.unit} has KillMode=${properties.KillMode}`,
      }
    : undefined;
  const surroundings = privateSurroundings(properties, environment);
  // A daemon's unit, with all that is private to it, outlives the daemon's runs.
  if (surroundings === undefined || run.mode === 'daemon') return { scope, restart: undefined };
  const isMain = [properties.MainPID, properties.ControlPID].includes(String(run.process.pid));
  return {
    scope,
    restart: { unit, certain: isMain || properties.Type === 'oneshot', because: surroundings },
  };
}

async function clearsSession(): Promise<boolean> {
  const { killsUserProcesses, exceptUsers } = await showLogind();
  const { userInfo } = await import('node:os');
  return killsUserProcesses && !exceptUsers.includes(userInfo().username);
}
