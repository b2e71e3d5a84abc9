// Makes the archives of a release, for the Forge and other places; publishes nothing:
//
//   node scripts/release.mjs [--forge-user NAME] [--author NAME] [--source URL] [--project-page URL] [--issues-url URL] [--skip-tests]
//
// Facts that only a publisher knows are asked for at a terminal, unless they are given; they go into the metadata.json of the archives, and nowhere else. Everything is
// checked before: the work tree, CHANGELOG.md, docs/SUPPORT.md, all tests (--skip-tests: they have been run on this commit), and the metadata.json that results.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { ask } from './ask.mjs';
import { capture, Failure, readJson, readVersion, root, run } from './project.mjs';
import { obstacles, publishedMetadata, questions, wrongAnswers } from './publisher.mjs';
import { copyArchives, makeTarballs } from './tarballs.mjs';

await run('release', async (args) => {
  const { 'skip-tests': skipTests, ...given } = parse(args);
  const version = readVersion();
  refuseFor(
    obstacles({
      version,
      changelog: readFileSync(join(root, 'CHANGELOG.md'), 'utf8'),
      changes: capture('git', ['status', '--porcelain'], { cwd: root }),
      matrix: readJson('spec/matrix/results.json').version,
    }),
  );
  const answers = await ask(questions, given);
  refuseFor(wrongAnswers(answers), 64);
  const metadata = publishedMetadata(readJson('metadata.json'), answers);
  lint(metadata);

  if (!skipTests) runVisibly('test.mjs', 'all');
  capture(process.execPath, [join(root, 'build.mjs')], { stdio: ['ignore', 'inherit', 'inherit'] });
  const tarballs = makeTarballs(metadata).flatMap(({ tarball, forR10k }) => [tarball, forR10k]);
  const files = [...tarballs, ...copyArchives()];
  const sums = await Promise.all(files.map(async (file) => `${await sha256Of(file)}  ${basename(file)}\n`));
  writeFileSync(join(root, 'pkg/SHA256SUMS'), sums.join(''));

  const [whole = ''] = files;
  console.log(`release: ${metadata.name} ${version}, of commit ${head()}:`);
  for (const file of [...files, join(root, 'pkg/SHA256SUMS')]) console.log(`  ${relative(root, file)}`);
  console.log(
    `Nothing is published yet: tag the commit (git tag --sign v${version}), upload ${basename(whole)} to the Forge, and all of them to the page of the release.`,
  );
});

function parse(args) {
  const options = Object.fromEntries(questions.map(({ option }) => [option, { type: 'string' }]));
  try {
    return parseArgs({ args, options: { ...options, 'skip-tests': { type: 'boolean', default: false } } })
      .values;
  } catch (error) {
    throw new Failure(error.message, 64);
  }
}

function refuseFor(reasons, status) {
  if (reasons.length > 0) {
    throw new Failure(reasons.join('; '), status);
  }
}

/** Checks metadata.json with the options that the Forge asks for. */
function lint(metadata) {
  const folder = mkdtempSync(join(tmpdir(), 'again-release-'));
  try {
    const file = join(folder, 'metadata.json');
    writeFileSync(file, `${JSON.stringify(metadata, undefined, 2)}\n`);
    capture('sh', [join(root, 'scripts/catalog.sh'), '--metadata', file]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function runVisibly(script, ...args) {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', script), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) {
    throw new Failure('the tests have failed: see above');
  }
}

async function sha256Of(file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

function head() {
  return capture('git', ['rev-parse', '--short', 'HEAD'], { cwd: root }).trim();
}
