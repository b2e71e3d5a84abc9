import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure, root } from '../scripts/project.mjs';

const self = fileURLToPath(import.meta.url);

/**
 * An empty program, made by the pipeline of build.mjs: it ends at once, or with an argument it waits. Made in a process of its own, for pkg
 * leaves 800 MB behind, and whatever is measured below such a process is slower.
 */
export function buildEmpty(folder) {
  const { status } = spawnSync(process.execPath, [self, folder], { stdio: 'inherit' });
  if (status !== 0) throw new Failure('the empty program could not be built');
  return join(folder, 'empty');
}

if (process.argv[1] === self) await build(process.argv[2]);

async function build(folder) {
  const require = createRequire(import.meta.url);
  const sea = require('@yao-pkg/pkg/lib-es5/sea.js').default;
  const main = join(folder, 'empty.cjs');
  const output = join(folder, 'empty');
  writeFileSync(main, 'if (process.argv[2]) setTimeout(() => {}, 1e9);\n');
  const node = `node${process.versions.node.split('.')[0]}`;
  await sea(main, {
    targets: [{ platform: 'linux', arch: process.arch, nodeRange: node, output }],
    nodePath: join(root, `node_modules/node-linux-${process.arch}/bin/node`),
    useLocalNode: true,
    seaConfig: { main, disableExperimentalSEAWarning: true, useCodeCache: true, execArgvExtension: 'none' },
  });
}
