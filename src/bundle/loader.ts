import { getRawAsset } from 'node:sea';
import { Script } from 'node:vm';

/** How the build wraps a part: see scripts/bundle.mjs. */
type Part = (load: (id: string) => unknown, module: { exports: unknown }) => void;

const loaded = new Map<string, unknown>();

/**
 * Loads a part of the program, once, with the code that V8 made of all its functions at build time: to compile one at its first call takes longer
 * than most of them run. A part that has no such code (that of a foreign CPU) runs all the same.
 */
function load(part: string): unknown {
  if (loaded.has(part)) return loaded.get(part);
  const source = Buffer.from(getRawAsset(`${part}.js`)).toString('latin1');
  const cachedData = Buffer.from(getRawAsset(`${part}.code`));
  const script = new Script(source, { filename: `${part}.js`, ...(cachedData.length > 0 && { cachedData }) });
  const module = { exports: {} };
  (script.runInThisContext() as Part)(
    (id) => (id.startsWith('part:') ? load(id.slice('part:'.length)) : require(id)),
    module,
  );
  loaded.set(part, module.exports);
  return module.exports;
}

load('main');
