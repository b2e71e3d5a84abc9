/** Resolves after so many milliseconds. (`node:timers/promises` would have to be loaded.) */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
