import { isAlive, type ProcessId, readAncestry } from '../os/process.ts';
import { SECOND_MS } from '../os/second.ts';
import { isDisabled } from '../puppet/lock.ts';
import { isPrivate } from '../state/channel.ts';
import { isPastStart, type StartSlot, slotHolder } from '../state/start-slot.ts';
import { holdsReruns, scheduledShutdown } from '../systemd/shutdown.ts';
import { describeBlocker } from '../wait/blocker.ts';
import { createSurvey } from '../wait/survey.ts';
import { holdHere, stateHere } from './hold.ts';

/** Milliseconds between two looks at a run that is not a child of this process. */
export const LOOK_MS = 100;

/** An obstacle to a rerun that is due. */
export interface Obstacle {
  /** The thing that is waited for, in words. */
  readonly because: string;
  /** Milliseconds until the next look. */
  readonly patience: number;
}

/**
 * Finds what is in the way, in the order of a waiter in the background (wait/obstacles.ts).
 *
 * @param disabledFiles  each shows that the agent of a run that has notified is disabled
 * @param folder  where waiters in the background have their state
 */
export function createObstacles(
  disabledFiles: ReadonlySet<string>,
  folder = stateHere(),
): () => Obstacle | undefined {
  const ancestors = new Set([...readAncestry(process.pid)].map(({ id }) => id.pid));
  const anotherRun = createRunObstacle(ancestors);
  return () => {
    // Before the look at all runs, which finds it once it has its lock.
    const rerun = startingRerun(folder, ancestors);
    if (rerun) return { because: describeBlocker({ kind: 'start', pid: rerun.pid }), patience: LOOK_MS };
    const run = anotherRun();
    if (run) return { because: `another Puppet run, pid ${run.pid}`, patience: LOOK_MS };
    const because = whyHeld(disabledFiles);
    return because === undefined ? undefined : { because, patience: SECOND_MS };
  };
}

function whyHeld(disabledFiles: ReadonlySet<string>): string | undefined {
  if ([...disabledFiles].some(isDisabled)) return describeBlocker({ kind: 'disabled' });
  const shutdown = scheduledShutdown();
  if (shutdown && holdsReruns(shutdown, Date.now()))
    return describeBlocker({ kind: 'shutdown', ...shutdown });
  return holdHere();
}

/**
 * The rerun that a waiter in the background is about to start, unless this process is nested in it. Such an agent has been a process for as long as its waiter has, so a look at all
 * runs does not take it for one that may be about to take its lock.
 *
 * @param ancestors the pids of the processes in which this one is nested
 */
export function startingRerun(folder: string, ancestors: ReadonlySet<number>): StartSlot | undefined {
  if (!isPrivate(folder, process.getuid?.() ?? 0)) return undefined;
  const slot = slotHolder(folder);
  return slot && !ancestors.has(slot.pid) && !isPastStart(slot) ? slot : undefined;
}

/** Finds a Puppet run: any of this user but those in which this process is nested. */
function createRunObstacle(ancestors: ReadonlySet<number>): () => ProcessId | undefined {
  const survey = createSurvey(process.getuid?.() ?? 0, []);
  return () => {
    const going = survey.going(survey.look()).filter(({ id }) => !ancestors.has(id.pid));
    return going.find(({ id }) => isAlive(id))?.id;
  };
}
