import { monotonic } from '../clock.ts';
import { type ProcessId, watchProcess } from '../proc/process.ts';
import { startTime } from '../proc/start-time.ts';
import type { Wakeup } from './wakeup.ts';

/** Milliseconds between two looks at a run: the shortest, and the longest. */
const SHORTEST_MS = 4;
const LONGEST_MS = 250;
/** The part of the time that has passed after which to look again. */
const SHARE = 1 / 100;
/** How much longer a pause becomes at once. */
const LONGER = 2;

/** Milliseconds until the next look, after so many in which nothing has happened. */
export function nextLook(passed: number): number {
  return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, Math.round(passed * SHARE)));
}

/**
 * Waits for the end of a run, for a minute at most; false when something else came first. Linux tells nobody but the parent of a process that it
 * has ended, so this looks, and the more rarely the longer the run goes on and nothing happens: its end is noticed after a hundredth of that
 * time at most. What Puppet writes last in a run is in its state folder, so a change there is a reason to look closely again.
 *
 * @param nearEnd called at each such change
 */
export async function runEnds(
  run: ProcessId,
  wakeup: Wakeup,
  stateFolder: string,
  nearEnd?: () => void,
): Promise<boolean> {
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
  const quietSince = Math.max(startTime(run), wakeup.lastPoke());
  const look = () => {
    const passed = monotonic() - quietSince;
    const pause = nextLook(passed);
    watched.lookEvery(pause);
    if (pause < LONGEST_MS) timer = setTimeout(look, (pause / SHARE) * LONGER - passed);
  };
  look();
  try {
    if (!watched.ended()) await wakeup.sleep(60_000);
    return watched.ended();
  } finally {
    clearTimeout(timer);
    unwatch();
    watched.close();
  }
}
