import { createHeap } from './heap.ts';

/** Simulated time, in seconds, in which things happen one after the other. */
export interface Clock {
  now(): number;
  /** Does something at a time. */
  at(time: number, action: () => void): void;
  /** Does something when so many seconds of CPU time have been spent on it. */
  work(seconds: number, action: () => void): void;
  /** Lets time pass until nothing is left to do, or until this time. */
  pass(until: number): void;
}

/**
 * @param cores how many cores all work shares, each piece of it using one at most and all getting the same part; Infinity where everybody
 *   has cores of his own
 */
export function createClock(cores: number): Clock {
  const timers = createHeap<() => void>();
  const tasks = createHeap<() => void>();
  let now = 0;
  /** Seconds of CPU time that each task has got that was there from the beginning: tasks end in the order of their end in this time. */
  let shared = 0;
  const rate = () => Math.min(1, cores / tasks.size);
  return {
    now: () => now,
    at: (time, action) => timers.push(Math.max(time, now), action),
    work: (seconds, action) => tasks.push(shared + seconds, action),
    pass(until) {
      for (;;) {
        const timer = timers.least() ?? Number.POSITIVE_INFINITY;
        const task =
          tasks.size === 0
            ? Number.POSITIVE_INFINITY
            : now + Math.max(0, (tasks.least() ?? 0) - shared) / rate();
        const next = Math.min(timer, task);
        if (next > until) return;
        if (tasks.size > 0) shared += rate() * (next - now);
        now = next;
        (timer <= task ? timers : tasks).pop()?.();
      }
    },
  };
}
