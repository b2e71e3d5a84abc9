import { monotonic } from '../clock.ts';
import { type ProcessId, watchProcess } from '../proc/process.ts';
import type { Wakeup } from './wakeup.ts';

/** Milliseconds between two looks at a run: the shortest, and the longest. */
const SHORTEST_MS = 4;
const LONGEST_MS = 250;
/** The part of the time that has passed after which to look again. */
const SHARE = 1 / 100;
/** How much longer a pause becomes at once, or it stays as it was. */
const LONGER = 1.25;
/** A process's start is told in ticks of 10 ms since the boot (proc(5)). */
const TICK_MS = 10;

/** Milliseconds until the next look, after so many in which nothing has happened. */
export function nextLook(passed: number): number {
  return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, passed * SHARE));
}

/**
 * Waits for the end of a run, for a minute at most; false when something else came first. Linux tells nobody but the parent of a process that it
 * has ended, so this looks, and the more rarely the longer the run goes on and nothing happens: its end is noticed after a hundredth of that
 * time. What Puppet writes last in a run is in its state folder, so a change there is a reason to look closely again.
 *
 * @param nearEnd called at each such change
 */
export async function runEnds(
  run: ProcessId,
  wakeup: Wakeup,
  stateFolder: string,
  nearEnd?: () => void,
): Promise<boolean> {
  const watched = watchProcess(run);
  const unwatch = wakeup.watch(stateFolder, nearEnd);
  const quietSince = Math.max(run.start * TICK_MS, wakeup.lastPoke());
  let ended = watched.ended();
  let pause = SHORTEST_MS;
  // A look leaves hardly any garbage: one timer serves many of them, for garbage is memory that a waiter would hold.
  const look = () => {
    ended = watched.ended();
    if (ended) return wakeup.poke();
    const next = nextLook(monotonic() - quietSince);
    if (next <= pause * LONGER) return void timer.refresh();
    pause = next;
    timer = setTimeout(look, pause);
  };
  let timer = setTimeout(look, pause);
  try {
    if (!ended) await wakeup.sleep(60_000);
    return ended;
  } finally {
    clearTimeout(timer);
    unwatch();
    watched.close();
  }
}
