// Packs the module, without what only developers need, in two kinds and two forms:
//
//   pkg/AUTHOR-NAME-VERSION.tar.gz             the whole one, with the archives of the executables, for `puppet module install`
//   pkg/AUTHOR-NAME-VERSION-slim.tar.gz        the slim one, with their checksums alone: the archives come from common::again::source
//   pkg/AUTHOR-NAME-VERSION[-slim]-r10k.tar.gz the same for `type: 'tarball'` of r10k, which takes off no top folder
//
// Beside them are the archives of the executables themselves, for the place that common::again::source names.
//
// The same files give the same bytes: sorted, owned by root, without the times of this checkout.

import {
  cpSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { archiveOf, sha256, sumsOf } from './archive.mjs';
import {
  architectures,
  cache,
  capture,
  executableOf,
  Failure,
  findProgram,
  root,
  shipped,
} from './project.mjs';

/** Of that, what the build leaves; and what editors leave for a while. */
const leftovers = [
  'files/again/state', // an executable that was started where it was built leaves it
  ...architectures.map((arch) => relative(root, executableOf(arch))), // what is shipped of them is packed
];
const strays = /^\.|~$/;

/** The time of every file: 1 January 1980, the first that every archive format knows. */
const fixedTime = 315_532_800;

/** The kinds of the module, by what their archives' names end with. */
const kinds = {
  '': { isPassedOver: () => false },
  // Its executables come from elsewhere; the checksums say which.
  '-slim': { isPassedOver: (path) => path.endsWith('.gz'), limit: 1e6 },
};

/**
 * Makes all of them.
 *
 * @param {{ name: string, version: string }} metadata what metadata.json is to say in them
 * @returns {{ tarball: string, forR10k: string, size: number, proof: string }[]} each kind: its two files, the size of the first in bytes, and a
 *   sentence on whether this machine's Puppet takes that
 * @throws {Failure} where the build has left something out, one is too large, or Puppet refuses one
 */
export function makeTarballs(metadata) {
  const name = `${metadata.name.replace('/', '-')}-${metadata.version}`;
  const work = join(cache, `module-${process.pid}`);
  try {
    return Object.entries(kinds).map(([ending, kind]) => {
      const folder = join(work, `common${ending}`);
      stage(join(folder, name), kind, metadata);
      const tarball = pack(folder, [name], `${name}${ending}`);
      const forR10k = pack(join(folder, name), readdirSync(join(folder, name)), `${name}${ending}-r10k`);
      const { size } = statSync(tarball);
      if (size > (kind.limit ?? Number.POSITIVE_INFINITY)) {
        throw new Failure(`${relative(root, tarball)} has ${size} bytes; ${kind.limit} is its limit`);
      }
      return { tarball, forR10k, size, proof: tryInstall(tarball, join(folder, 'installed'), name, ending) };
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Puts the archives of the executables beside the tarballs: their paths. */
export function copyArchives() {
  return architectures.map((arch) => {
    const archive = archiveOf(executableOf(arch));
    const copy = join(root, 'pkg', basename(archive));
    cpSync(archive, copy);
    return copy;
  });
}

function stage(folder, { isPassedOver }, metadata) {
  for (const path of built()) {
    if (!existsSync(path)) {
      throw new Failure(`${relative(root, path)} is missing: \`npm run module\` builds it`);
    }
  }
  mkdirSync(folder, { recursive: true });
  for (const path of shipped.filter((path) => existsSync(join(root, path)))) {
    cpSync(join(root, path), join(folder, path), {
      recursive: true,
      filter: (source) =>
        !leftovers.includes(relative(root, source)) &&
        !strays.test(basename(source)) &&
        !isPassedOver(source),
    });
  }
  writeFileSync(join(folder, 'metadata.json'), `${JSON.stringify(metadata, undefined, 2)}\n`);
  finish(folder);
}

/** The files that the build has made and users get. */
function built() {
  return architectures.map(executableOf).flatMap((executable) => [archiveOf(executable), sumsOf(executable)]);
}

/** Drops folders that hold nothing, and gives the rest its time. */
function finish(path) {
  if (statSync(path).isDirectory()) {
    for (const name of readdirSync(path)) {
      finish(join(path, name));
    }
    if (readdirSync(path).length === 0) {
      rmdirSync(path);
      return;
    }
  }
  lutimesSync(path, fixedTime, fixedTime);
}

/** Packs what a folder holds under these names. */
function pack(folder, names, tarballName) {
  const tarball = join(root, 'pkg', `${tarballName}.tar.gz`);
  const unfinished = `${tarball}.${process.pid}`;
  mkdirSync(join(root, 'pkg'), { recursive: true });
  try {
    const contents = [
      '--sort=name',
      '--owner=root:0',
      '--group=root:0',
      '--mode=u=rwX,go=rX',
      '--format=gnu',
    ];
    const compress = '--use-compress-program=gzip -n';
    capture('tar', [
      '--create',
      '--file',
      unfinished,
      '--directory',
      folder,
      ...contents,
      compress,
      ...names,
    ]);
    renameSync(unfinished, tarball);
  } finally {
    rmSync(unfinished, { force: true });
  }
  return tarball;
}

/** Lets Puppet install the tarball into a throw-away folder: a sentence that says what came of it. */
function tryInstall(tarball, target, name, ending) {
  const puppet = findProgram('puppet');
  if (!puppet) {
    return 'not installed for a try: this machine has no puppet';
  }
  mkdirSync(target, { recursive: true });
  const settings = ['confdir', 'vardir', 'logdir', 'rundir'].flatMap((setting) => [
    `--${setting}`,
    join(target, setting),
  ]);
  capture(puppet, [
    ...['module', 'install', tarball, '--target-dir', join(target, 'modules')],
    ...['--ignore-dependencies', '--modulepath', join(target, 'modules'), ...settings],
  ]);
  const installed = join(target, 'modules', name.split('-')[1]);
  for (const executable of architectures.map((arch) => join(installed, relative(root, executableOf(arch))))) {
    const [sum] = readFileSync(sumsOf(executable), 'utf8').split(' ');
    if (ending === '-slim') {
      if (existsSync(archiveOf(executable)) || !/^[0-9a-f]{64}$/.test(sum)) {
        throw new Failure(`${tarball}: ${basename(executable)} is not there by its checksum alone`);
      }
    } else if (sha256(gunzipSync(readFileSync(archiveOf(executable)))) !== sum) {
      throw new Failure(`Puppet installed ${archiveOf(executable)}, which is not what its checksum says`);
    }
  }
  return '`puppet module install` takes it';
}
