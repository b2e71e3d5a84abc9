import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from '../scripts/project.mjs';

/** An empty program, made by the pipeline of build.mjs: it ends at once, or with an argument it waits. */
export async function buildEmpty(folder) {
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
  return output;
}
