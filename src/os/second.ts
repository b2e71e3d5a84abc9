// Put in by the build for tests of faults (`node build.mjs --instrumented`) alone.
declare const AGAIN_SECOND_MS: number | undefined;

/** How many milliseconds pass in what people call a second: a delta, the grace time, a back-off. Tests of faults have shorter ones. */
export const SECOND_MS: number = typeof AGAIN_SECOND_MS === 'undefined' ? 1000 : AGAIN_SECOND_MS;
