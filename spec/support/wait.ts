import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds between two looks. */
const PAUSE_MS = 40;

type Nothing = undefined | null | false | 0 | '';

/**
 * Looks until there is something to see, and returns it.
 *
 * @param what  what is awaited, for the message of the error that is thrown when it doesn't come
 * @param look  returns something falsy as long as it isn't there; what it throws ends the wait
 * @param seconds  how long to look; 120 unless told
 * @param seen  what is there instead, for that message
 */
export async function until<T>(
  what: string,
  look: () => Promise<T> | T,
  { seconds = 120, seen }: { readonly seconds?: number; readonly seen?: () => unknown } = {},
): Promise<Exclude<T, Nothing>> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const result = await look();
    if (result) return result as Exclude<T, Nothing>;
    if (performance.now() > deadline) {
      const instead = await seen?.();
      throw new Error(
        `waited ${seconds} s for ${what}${instead === undefined ? '' : `, but saw ${show(instead)}`}`,
      );
    }
    await sleep(PAUSE_MS);
  }
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 1);
}
