// The room bundle/ is how the executable loads its parts.

import { getRawAsset } from 'node:sea';
import { Script } from 'node:vm';

/** How the build wraps a part: see scripts/bundle.mjs. */
type Part = (load: (id: string) => unknown, module: { exports: unknown }) => void;

const loaded = new Map<string, { exports: unknown }>();

/**
 * Loads a part of the program, once, with the code that V8 made of all its functions at build time: to compile one at its first call takes longer
 * than most of them run. A part that has no such code (that of a foreign CPU) runs all the same.
 */
function load(part: string): unknown {
  const loadedPart = loaded.get(part);
  if (loadedPart) return loadedPart.exports;
  const source = Buffer.from(getRawAsset(`${part}.js`)).toString('latin1');
  const cachedData = Buffer.from(getRawAsset(`${part}.code`));
  const script = new Script(source, { filename: `${part}.js`, ...(cachedData.length > 0 && { cachedData }) });
  const module = { exports: {} };
  loaded.set(part, module);
  (script.runInThisContext() as Part)(provide, module);
  return module.exports;
}

/** Resolves the id that a part requires: a part, `part:NAME`; a file of src/ that a part holds for all, `part:NAME:FILE`; or a module of Node. */
function provide(id: string): unknown {
  const [kind, part = '', file] = id.split(':');
  if (kind !== 'part') return require(id);
  return file === undefined ? load(part) : (load(part) as Record<string, unknown>)[file];
}

load('main');
