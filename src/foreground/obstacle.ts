import { isAlive, type ProcessId, readAncestry } from '../os/process.ts';
import { SECOND_MS } from '../os/second.ts';
import { isDisabled } from '../puppet/lock.ts';
import { holdsReruns, scheduledShutdown } from '../systemd/shutdown.ts';
import { describeBlocker } from '../wait/blocker.ts';
import { createSurvey } from '../wait/survey.ts';
import { holdHere } from './hold.ts';

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
 */
export function createObstacles(disabledFiles: ReadonlySet<string>): () => Obstacle | undefined {
  const anotherRun = createRunObstacle();
  return () => {
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

/** Finds a Puppet run: any of this user but those in which this process is nested. */
function createRunObstacle(): () => ProcessId | undefined {
  const ancestors = new Set([...readAncestry(process.pid)].map(({ id }) => id.pid));
  const survey = createSurvey(process.getuid?.() ?? 0, []);
  return () => {
    const going = survey.going(survey.look()).filter(({ id }) => !ancestors.has(id.pid));
    return going.find(({ id }) => isAlive(id))?.id;
  };
}
