// Makes what the executable holds of src/: its parts as JavaScript, and the code that V8 makes of them.

import v8 from 'node:v8';
import { Script } from 'node:vm';
import { Failure, load, root } from './project.mjs';

/** The parts, by the file that each begins with. A part loads another one by importing that file dynamically; only plain data and errors pass between them. */
const entries = { main: 'src/main.ts', waiter: 'src/wait/late.ts', people: 'src/cli/command-line.ts' };

/** What the build for tests of faults has instead (src/os/fault.ts, src/os/second.ts). */
export const INSTRUMENTS = { AGAIN_INSTRUMENTED: 'true', AGAIN_SECOND_MS: '20' };

/** The executable's first script, which loads the parts, and their sources: `{ loader, parts: { NAME: SOURCE } }`. */
export async function bundleSources(version, instruments = {}) {
  const parts = {};
  for (const [name, entry] of Object.entries(entries)) {
    // The loader (src/bundle/loader.ts) calls it.
    parts[name] = `(function(require,module){${await bundle(entry, version, instruments)}\n})`;
  }
  return { loader: await bundle('src/bundle/loader.ts', version, instruments), parts };
}

/**
 * V8's code for all functions of a script, also for those that it would compile only when they are called. V8 refuses code that was made under
 * other settings than it is loaded with, so this one is put back before the code is written down.
 */
export function compile(source) {
  v8.setFlagsFromString('--no-lazy');
  const script = new Script(source);
  v8.setFlagsFromString('--lazy');
  return script.createCachedData();
}

async function bundle(entry, version, instruments) {
  const { build } = await load('esbuild');
  try {
    const { outputFiles } = await build({
      absWorkingDir: root,
      entryPoints: [entry],
      bundle: true,
      write: false,
      platform: 'node',
      format: 'cjs',
      target: 'node24',
      minify: true,
      charset: 'ascii', // the loader reads one byte a character
      legalComments: 'none',
      logLevel: 'silent',
      plugins: [otherParts],
      supported: { 'dynamic-import': false }, // a script of node:vm can't import
      define: {
        AGAIN_VERSION: JSON.stringify(version),
        AGAIN_INSTRUMENTED: 'false',
        AGAIN_SECOND_MS: '1000',
        ...instruments,
        // yargs calls createRequire() with it; a CommonJS bundle has none, and nothing is loaded by it.
        'import.meta.url': JSON.stringify('file:///again'),
      },
    });
    return outputFiles[0].text;
  } catch (error) {
    const [first] = error.errors ?? [];
    const place = first?.location ? `${first.location.file}:${first.location.line}: ` : '';
    throw new Failure(`esbuild: ${place}${first?.text ?? error.message}`);
  }
}

/** Leaves other parts out of a bundle: the loader has them under `part:NAME`. */
const otherParts = {
  name: 'parts',
  setup(build) {
    build.onResolve({ filter: /^\..*\.ts$/ }, async ({ path, kind, resolveDir }) => {
      if (kind !== 'dynamic-import') return undefined;
      const { path: file } = await build.resolve(path, { kind: 'import-statement', resolveDir });
      const part = Object.keys(entries).find((name) => file.endsWith(`/${entries[name]}`));
      return part && { path: `part:${part}`, external: true };
    });
  },
};
