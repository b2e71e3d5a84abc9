import { monotonic } from '../os/clock.ts';
import { type ProcessId, watchProcess } from '../os/process.ts';
import { startTime } from '../os/start-time.ts';
import type { Wakeup } from './wakeup.ts';

/** Milliseconds between two looks at a run: the shortest, and the longest. */
const SHORTEST_MS = 4;
export const LONGEST_MS = 250;
/** The part of the time that has passed after which to look again. */
const SHARE = 1 / 100;
/** How much longer a pause becomes at once. */
const LONGER = 2;

/** Milliseconds until the next look, after so many in which nothing has happened. */
export function nextLook(passed: number): number {
  return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, Math.round(passed * SHARE)));
}

/** The result of waiting for the end of a run. */
export interface Watch {
  readonly ended: boolean;
  /** By how many milliseconds that may have been noticed late. */
  readonly late: number;
}

/** A clock tick, by which start times of processes are counted, and the time until JavaScript runs. */
export const INEXACT_MS = 20;

/**
 * Waits for the end of a run, for a minute at most; `ended` is false when something else came first. Linux reports the end of a process only to
 * its parent, so this looks, and the more rarely the longer the run lasts and nothing happens: its end is noticed after a hundredth of that
 * time at most. The last file that Puppet writes in a run is in its state folder, so a change there is a reason to look closely again.
 *
 * @param nearEnd called at each such change
 * @param patience milliseconds after which something else comes first
 */
export async function runEnds(
  run: ProcessId,
  wakeup: Wakeup,
  stateFolder: string,
  nearEnd?: () => void,
  patience = 60_000,
): Promise<Watch> {
  let timer: NodeJS.Timeout | undefined;
  const watched = watchProcess(run, () => {
    const since = monotonic();
    const check = () => {
      if (watched.ended()) return wakeup.poke();
      // It ends within milliseconds, unless that file is only hidden from this process.
      timer = setTimeout(check, Math.min(LONGEST_MS, (monotonic() - since) / 10));
    };
    clearTimeout(timer);
    check();
  });
  const unwatch = wakeup.watch(stateFolder, nearEnd && { changed: nearEnd });
  const quietSince = Math.max(Math.min(startTime(run), monotonic()), wakeup.lastPoke());
  let pause = SHORTEST_MS;
  const look = () => {
    const passed = monotonic() - quietSince;
    pause = nextLook(passed);
    watched.lookEvery(pause);
    if (pause < LONGEST_MS) timer = setTimeout(look, (pause / SHARE) * LONGER - passed);
  };
  look();
  try {
    if (!watched.ended()) await wakeup.sleep(patience);
    return { ended: watched.ended(), late: pause + INEXACT_MS };
  } finally {
    clearTimeout(timer);
    unwatch();
    watched.close();
  }
}
