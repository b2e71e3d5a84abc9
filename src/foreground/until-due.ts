import { monotonic } from '../os/clock.ts';
import { SECOND_MS } from '../os/second.ts';
import { type Entry, isDue, isExpired, isTimedOut } from '../schedule/entry.ts';
import { describeTimeout, displayName } from '../schedule/names.ts';
import { describeBlocker } from '../wait/blocker.ts';
import type { Looker } from '../wait/condition/looker.ts';
import type { Wakeup } from '../wait/wakeup.ts';
import { type Convergence, countdown } from './convergence.ts';
import { LOOK_MS, type Obstacle } from './obstacle.ts';
import type { Screen } from './screen.ts';
import type { Stop } from './stop.ts';

/** Why there is no next run. */
export type Over = 'nothing is pending' | 'stopped' | 'time over' | 'limit reached';

/** All that the wait between two runs works with. */
export interface Between {
  readonly convergence: Convergence;
  /** Looks at conditions. */
  readonly looker: Looker;
  readonly wakeup: Pick<Wakeup, 'sleep'>;
  readonly screen: Screen;
  readonly stop: Stop;
  /** When `--timeout` is over, on the monotonic clock. */
  readonly deadline: number;
  /** Notes which notifying runs have ended by now. */
  readonly noteEnds: (now: number) => void;
  readonly findObstacle: () => Obstacle | undefined;
  /** Ends the channel, unless something comes at this very moment: then it is true. */
  readonly drain: () => Promise<boolean>;
  /** Shows others what is pending now. */
  readonly changed: () => void;
  /** Shows others what keeps a rerun that is due from starting, in words; undefined for nothing. */
  readonly heldUp: (because: string | undefined) => void;
}

/** Waits until a rerun is due and nothing is in its way; says why there is none. */
export async function untilDue(between: Between): Promise<Over | undefined> {
  const { convergence, looker, wakeup, screen, stop, deadline, changed } = between;
  let told: string | undefined;
  const timedOut = new Set<Entry>();
  try {
    for (;;) {
      const now = monotonic();
      between.noteEnds(now);
      const step = convergence.next(now);
      if (stop.signal !== undefined) return 'stopped';
      if (step.kind === 'finish') {
        if (await between.drain()) continue;
        return 'nothing is pending';
      }
      if (now >= deadline) return 'time over';
      const sleep = (milliseconds: number, heldUp?: string) => {
        between.heldUp(heldUp);
        looker.lookAt(convergence.awaited(now));
        return wakeup.sleep(Math.min(milliseconds, deadline - now));
      };
      if (step.kind === 'drop') {
        convergence.drop(step.entries);
        for (const dropped of convergence.takeDropped()) screen.say(dropped);
        changed();
      } else if (step.kind === 'await-run') {
        await sleep(LOOK_MS);
      } else if (convergence.isExhausted) {
        return 'limit reached';
      } else if (step.kind === 'look') {
        const seconds = Math.ceil((Math.min(step.until, deadline) - now) / SECOND_MS);
        const then =
          step.until > deadline ? '--timeout ends' : describeChange(convergence.entries, step.until);
        screen.count(seconds, `waits until ${describeAwaited(convergence.awaited(now))}; ${then}`);
        await sleep(Math.min(step.until - now, SECOND_MS));
      } else if (step.kind === 'await-time') {
        const left = countdown(convergence, step.until, now);
        if (left) {
          const next = `next run${left.names.length > 0 ? ` (${left.names.join(', ')})` : ''}`;
          if (step.until <= deadline) screen.count(left.seconds, next);
          else
            screen.count(
              Math.ceil((deadline - now) / SECOND_MS),
              `the ${next} is due after --timeout, which ends`,
            );
        }
        await sleep(Math.min(step.until - now, SECOND_MS));
      } else {
        for (const entry of convergence.entries) {
          if (!isTimedOut(entry, now) || timedOut.has(entry)) continue;
          timedOut.add(entry);
          screen.say(`${displayName(entry.name)}: ${describeTimeout(entry)}; it runs all the same`);
        }
        const obstacle = between.findObstacle() ?? brokenOff(step.notBefore, now);
        if (obstacle === undefined) {
          // The next run must not find what a look has started. To end that takes its time, in which everything may change.
          if (await looker.close()) continue;
          return undefined;
        }
        if (obstacle.because !== told) screen.say(`waits for ${obstacle.because}`);
        told = obstacle.because;
        await sleep(obstacle.patience, obstacle.because);
      }
    }
  } finally {
    between.heldUp(undefined);
    screen.clear();
  }
}

/** The time after a run that did not come to its end. After any other run, the rerun follows at once here. */
function brokenOff(until: number, now: number): Obstacle | undefined {
  if (until <= now) return undefined;
  return {
    because: describeBlocker({ kind: 'time', until, because: 'broken off' }),
    patience: Math.min(until - now, SECOND_MS),
  };
}

/** The conditions that are waited for. */
function describeAwaited(awaited: readonly Entry[]): string {
  return [...new Set(awaited.map((entry) => entry.condition?.what))].join('; ');
}

/** What happens at a time at which time alone changes something. */
function describeChange(entries: readonly Entry[], at: number): string {
  if (entries.some((entry) => isDue(entry, at))) return 'next run at the latest';
  return entries.some((entry) => isExpired(entry, at)) ? 'gives up' : 'next step';
}
