// `npm run matrix`: runs the cells, or those that vitest's arguments choose, and writes results.json and docs/SUPPORT.md. Fails before that where a major version of
// Puppet or OpenVox has no column.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cache, readVersion, root } from '../../scripts/project.mjs';
import { generations } from './generations.ts';
import { askForNewest, judge } from './newest.ts';
import { drawPage } from './page.ts';
import { merge, type Results } from './results.ts';
import { ways } from './ways/all.ts';

const report = join(cache, 'test/matrix.json');
const results = join(import.meta.dirname, 'results.json');

const { failure, remark } = judge(askForNewest(), Object.values(generations));
if (remark) console.error(`matrix: ${remark}`);
if (failure) {
  console.error(`matrix: ${failure}`);
  process.exit(1);
}

rmSync(report, { force: true });
const vitest = join(root, 'node_modules/.bin/vitest');
const reporters = ['--reporter=verbose', '--reporter=json', `--outputFile.json=${report}`];
const { status } = spawnSync(vitest, ['run', '--project=matrix', ...reporters, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;

if (existsSync(report)) {
  const seen = merge(read<Results>(results), readVersion(), read(report));
  writeFileSync(results, `${JSON.stringify(seen, null, 2)}\n`);
  writeFileSync(join(root, 'docs/SUPPORT.md'), drawPage(seen, Object.values(generations), ways));
} else {
  console.error('matrix: vitest has left no report; docs/SUPPORT.md is what it was');
}

function read<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8'));
}
