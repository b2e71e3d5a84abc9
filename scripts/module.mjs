// Packs the module as `puppet module install` takes it: pkg/AUTHOR-NAME-VERSION.tar.gz, with the archives of the
// executables and without what only developers need. `npm run module` builds the executables before.
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
  readJson,
  readVersion,
  root,
  run,
} from './project.mjs';

/** What users of the module get, as far as it exists. */
const shipped = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'REFERENCE.md',
  'data',
  'docs',
  'examples',
  'files',
  'functions',
  'hiera.yaml',
  'lib',
  'locales',
  'manifests',
  'metadata.json',
  'plans',
  'tasks',
  'templates',
  'types',
];

/** Of that, what is for developers; and what editors and the build leave for a while. */
const developersOnly = [
  'docs/DESIGN.md',
  ...architectures.map((arch) => relative(root, executableOf(arch))), // what is shipped of them is packed
];
const strays = /^\.|~$/;

/** The time of every file: 1 January 1980, the first that every archive format knows. */
const fixedTime = 315_532_800;

await run('module', (args) => {
  if (args.length > 0) {
    throw new Failure(`takes no arguments, not '${args.join(' ')}'`, 64);
  }
  const name = `${readJson('metadata.json').name.replace('/', '-')}-${readVersion()}`;
  const work = join(cache, 'module');
  rmSync(work, { recursive: true, force: true });
  try {
    stage(join(work, name));
    const tarball = pack(work, name);
    const proof = tryInstall(tarball, join(work, 'installed'), name);
    console.log(
      `module: ${relative(root, tarball)}: ${Math.round(statSync(tarball).size / 1e6)} MB; ${proof}`,
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});

function stage(folder) {
  for (const path of built()) {
    if (!existsSync(path)) {
      throw new Failure(`${relative(root, path)} is missing: \`npm run module\` builds it`);
    }
  }
  mkdirSync(folder, { recursive: true });
  for (const path of shipped.filter((path) => existsSync(join(root, path)))) {
    cpSync(join(root, path), join(folder, path), {
      recursive: true,
      filter: (source) => !developersOnly.includes(relative(root, source)) && !strays.test(basename(source)),
    });
  }
  finish(folder);
}

/** What the build has made and users get. */
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

function pack(work, name) {
  const folder = join(root, 'pkg');
  const tarball = join(folder, `${name}.tar.gz`);
  const unfinished = `${tarball}.${process.pid}`;
  mkdirSync(folder, { recursive: true });
  try {
    const contents = [
      '--sort=name',
      '--owner=root:0',
      '--group=root:0',
      '--mode=u=rwX,go=rX',
      '--format=gnu',
    ];
    const compress = '--use-compress-program=gzip -n';
    capture('tar', ['--create', '--file', unfinished, '--directory', work, ...contents, compress, name]);
    renameSync(unfinished, tarball);
  } finally {
    rmSync(unfinished, { force: true });
  }
  return tarball;
}

/** Lets Puppet install the tarball into a throw-away folder: a sentence that says what came of it. */
function tryInstall(tarball, target, name) {
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
    if (sha256(gunzipSync(readFileSync(archiveOf(executable)))) !== sum) {
      throw new Failure(`Puppet installed ${archiveOf(executable)}, which is not what its checksum says`);
    }
  }
  return '`puppet module install` takes it';
}
