import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../scripts/project.mjs';

/** Waits for two minutes at most until a condition has a value, which it returns. Looks every so many milliseconds. */
export async function until(what, condition, pause = 10) {
  for (const deadline = performance.now() + 120_000; performance.now() < deadline; await sleep(pause)) {
    const found = condition();
    if (found) return found;
  }
  throw new Failure(`waited two minutes in vain for ${what}`);
}
