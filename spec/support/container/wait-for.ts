import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds between two looks at a condition. */
const PAUSE_MS = 50;

/**
 * Waits until a condition holds, and returns what it returned.
 *
 * @param condition asked again until it returns something truthy. Its own errors end the wait.
 * @param timeoutMs milliseconds. Default 30000.
 * @param what what is waited for, for the error's message. Default: the condition's source.
 * @throws Error when the time is over.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  timeoutMs = 30_000,
  what = String(condition),
): Promise<NonNullable<T>> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`);
    await sleep(PAUSE_MS);
  }
}
