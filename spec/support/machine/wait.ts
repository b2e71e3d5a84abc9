import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Looks until there is something to see, and returns it.
 *
 * @param what  what is awaited, for the message of the error that is thrown when it doesn't come
 * @param look  returns `undefined` or `false` as long as it isn't there; what it throws ends the wait
 * @param seen  what is there instead, for that message
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { seconds = 120, seen }: { seconds?: number; seen?: () => unknown } = {},
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const result = await look();
    if (result !== undefined && result !== false) return result;
    if (performance.now() > deadline) {
      const instead = await seen?.();
      throw new Error(
        `waited ${seconds} s for ${what}${instead === undefined ? '' : `, but saw ${show(instead)}`}`,
      );
    }
    await sleep(40);
  }
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 1);
}
