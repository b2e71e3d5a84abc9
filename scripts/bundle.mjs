// Makes what the executable holds of src/: its parts as JavaScript, and the code that V8 makes of them.

import { spawnSync } from 'node:child_process';
import { join, relative } from 'node:path';
import { Failure, load, root } from './project.mjs';

/**
 * The parts, by the file that each begins with. A part loads another one by importing that file dynamically. What `main` holds is there once: the other parts get it from
 * there, so state and classes are the same for all.
 */
const entries = {
  main: 'src/main.ts',
  waiter: 'src/wait/late.ts',
  looks: 'src/wait/looking.ts',
  people: 'src/cli/command-line.ts',
  foreground: 'src/foreground/commands.ts',
};

/** The values that the build for tests of faults has instead (src/os/fault.ts, src/os/second.ts). */
export const INSTRUMENTS = { AGAIN_INSTRUMENTED: 'true', AGAIN_SECOND_MS: '20' };

/**
 * The executable's first script, which loads the parts, and their sources: `{ loader, parts: { NAME: SOURCE }, holds: { NAME: FILES }, inputs }`. `holds` are
 * the files that each part has for itself, `inputs` those that all are made of.
 */
export async function bundleSources(version, instruments = {}) {
  const { main, ...others } = entries;
  const inputs = new Set();
  const bundleOf = async (options) => {
    const result = await bundle(options, version, instruments);
    for (const input of Object.keys(result.metafile.inputs)) inputs.add(input);
    return result;
  };
  const inMain = new Set(Object.keys((await bundleOf({ entryPoints: [main] })).metafile.inputs));
  const shared = new Set();
  const [sources, holds] = [{}, {}];
  const add = async (name, options) => {
    const { text, metafile } = await bundleOf(options);
    sources[name] = text;
    holds[name] = Object.keys(metafile.inputs).sort();
  };
  for (const [name, entry] of Object.entries(others)) {
    const plugins = [otherParts, sharedWithMain(inMain, shared)];
    await add(name, { entryPoints: [entry], plugins });
  }
  const lines = [...shared].sort().map((file) => `export * as ${JSON.stringify(file)} from './${file}';`);
  const stdin = { contents: [`import './${main}';`, ...lines].join('\n'), resolveDir: root };
  await add('main', { stdin });
  // The loader (src/bundle/loader.ts) calls them.
  const parts = Object.fromEntries(
    Object.keys(entries).map((name) => [name, `(function(require,module){${sources[name]}\n})`]),
  );
  const loader = (await bundleOf({ entryPoints: ['src/bundle/loader.ts'] })).text;
  return { loader, parts, holds, inputs: [...inputs].sort() };
}

/**
 * The options that the executable gives V8. It interprets and compiles nothing: little of it runs so often that compiled code would pay, and a waiter keeps that: 0.8 MB after a
 * real run. Its young generation, where new objects are, does not grow: else the looks of a `when` make it 16 MB.
 */
export const V8_OPTIONS = ['--no-opt', '--no-maglev', '--no-sparkplug', '--max-semi-space-size=1'];

/**
 * V8's code for all functions of a script, also for those that it would compile only when they are called. V8 refuses code that was made under
 * other settings than it is loaded with, so that is done by a process with those, which puts this one back before the code is written down.
 */
export function compile(source) {
  const script = `
    const v8 = require('node:v8');
    v8.setFlagsFromString('--no-lazy');
    const script = new (require('node:vm').Script)(require('node:fs').readFileSync(0, 'latin1'));
    v8.setFlagsFromString('--lazy');
    process.stdout.write(script.createCachedData());`;
  const { status, stdout, stderr } = spawnSync(process.execPath, [...V8_OPTIONS, '-e', script], {
    input: Buffer.from(source, 'latin1'),
    maxBuffer: 64 * 2 ** 20,
  });
  if (status !== 0) throw new Failure(`V8 has made no code: ${stderr}`);
  return stdout;
}

/** One bundle, by esbuild's options for its entry: `{ text, metafile }`. */
export async function bundle(options, version, instruments = {}) {
  const { build } = await load('esbuild');
  try {
    const { outputFiles, metafile } = await build({
      absWorkingDir: root,
      metafile: true,
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
      ...options,
    });
    return { text: outputFiles[0].text, metafile };
  } catch (error) {
    const [first] = error.errors ?? [];
    const place = first?.location ? `${first.location.file}:${first.location.line}: ` : '';
    throw new Failure(`esbuild: ${place}${first?.text ?? error.message}`);
  }
}

/** Each part has these for itself: what the build puts in is to vanish where it says nothing. */
const filledIn = ['src/os/fault.ts', 'src/os/second.ts', 'src/os/version.ts'];

/** Leaves what `main` has out of another part's bundle: the loader has it under `part:main:FILE`. */
const sharedWithMain = (inMain, shared) => ({
  name: 'shared',
  setup(build) {
    build.onResolve({ filter: /^\..*\.ts$/ }, async ({ path, kind, resolveDir }) => {
      if (kind !== 'import-statement') return undefined;
      const file = relative(root, join(resolveDir, path));
      if (!inMain.has(file) || filledIn.includes(file)) return undefined;
      shared.add(file);
      return { path: `part:main:${file}`, external: true };
    });
  },
});

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
