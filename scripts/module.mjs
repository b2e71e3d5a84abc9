// Packs the module, in the kinds and forms of tarballs.mjs. `npm run module` builds the executables before.

import { basename, relative } from 'node:path';
import { Failure, readJson, readVersion, root, run } from './project.mjs';
import { copyArchives, makeTarballs } from './tarballs.mjs';

await run('module', (args) => {
  if (args.length > 0) {
    throw new Failure(`takes no arguments, not '${args.join(' ')}'`, 64);
  }
  readVersion();
  for (const { tarball, forR10k, size, proof } of makeTarballs(readJson('metadata.json'))) {
    const shown = size > 1e6 ? `${Math.round(size / 1e6)} MB` : `${Math.round(size / 1e3)} kB`;
    console.log(`module: ${relative(root, tarball)}: ${shown}; ${proof}; ${basename(forR10k)} for r10k`);
  }
  console.log(
    `module: ${copyArchives()
      .map((file) => relative(root, file))
      .join(', ')}: for common::again::source`,
  );
});
