// Put in by the build (build.mjs) and by the tests (vitest.config.ts), from package.json.
declare const AGAIN_VERSION: string;

/** The version of the module and of this executable: `1.2.3`. */
export const version: string = AGAIN_VERSION;
