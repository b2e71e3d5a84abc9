import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root, shipped } from '../../scripts/project.mjs';
import { temporaryFolder } from './state/temporary.ts';

/** pdk reads the first, older packers the second; git's rules are those of both. */
test.each(['.pdkignore', '.pmtignore'])('%s leaves out what the archives of the module leave out', (name) => {
  const folder = temporaryFolder();
  const git = (...args: string[]) =>
    spawnSync('git', ['-c', `core.excludesFile=${join(root, name)}`, ...args], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: folder },
    });
  expect(git('init', '--quiet').status).toBe(0);
  // Of what is not there, git knows by a slash alone that it is a folder.
  const names = readdirSync(root).map((one) => (statSync(join(root, one)).isDirectory() ? `${one}/` : one));
  const ignored = git('check-ignore', '--no-index', ...names)
    .stdout.trim()
    .split('\n');
  expect(
    names.filter((one) => !ignored.includes(one)).filter((one) => !shipped.includes(one.replace('/', ''))),
  ).toEqual([]);
  expect(ignored.filter((one) => shipped.includes(one.replace('/', '')))).toEqual([]);

  const inFiles = [
    'again-linux-x64',
    'again-linux-arm64',
    'again-linux-x64.gz',
    'again-linux-arm64.sums',
    'notify',
    'state/x',
  ];
  const ignoredFiles = git(
    'check-ignore',
    '--no-index',
    ...inFiles.map((one) => `files/again/${one}`),
  ).stdout;
  expect(ignoredFiles.trim().split('\n')).toEqual([
    'files/again/again-linux-x64',
    'files/again/again-linux-arm64',
    'files/again/state/x',
  ]);
  expect(readFileSync(join(root, name), 'utf8')).toBe(readFileSync(join(root, '.pmtignore'), 'utf8'));
});
