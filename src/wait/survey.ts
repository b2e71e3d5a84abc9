import { monotonic } from '../os/clock.ts';
import { type ProcessId, sameProcess } from '../os/process.ts';
import { findPuppetProcesses, type PuppetProcess, TAKING_THE_LOCK_MS } from '../puppet/processes.ts';

/** One look at all Puppets of this user. */
export interface Look {
  /** Milliseconds of the monotonic clock, just before it: a process that is seen may have begun by then or a little later. */
  readonly at: number;
  readonly processes: readonly PuppetProcess[];
}

/** Looks at `/proc`, and remembers since when it has seen each Puppet: start times can't be trusted where a machine was suspended. */
export interface Survey {
  look(): Look;
  /** How long an agent may still be about to take its lock, in milliseconds; 0 where it sleeps. */
  mayTakeLock(process: PuppetProcess): number;
  /** The runs of a look that are going: at work, or about to take the lock. */
  going(look: Look): PuppetProcess[];
}

export function createSurvey(user: number, lockFiles: readonly string[]): Survey {
  let seen: { readonly id: ProcessId; readonly since: number }[] = [];
  const mayTakeLock = ({ id, mode, age }: PuppetProcess) => {
    if (mode === 'apply') return 0;
    const since = seen.find((one) => sameProcess(one.id, id))?.since ?? monotonic();
    return Math.max(0, TAKING_THE_LOCK_MS - Math.max(age, monotonic() - since));
  };
  return {
    mayTakeLock,
    look() {
      const at = monotonic();
      const processes = findPuppetProcesses(user, lockFiles);
      seen = processes.map(({ id }) => seen.find((one) => sameProcess(one.id, id)) ?? { id, since: at });
      return { at, processes };
    },
    going: (look) => look.processes.filter((process) => process.atWork || mayTakeLock(process) > 0),
  };
}
