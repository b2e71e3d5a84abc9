// Builds the executables that Puppet ships to the nodes:
//
//   node build.mjs [--arch x64|arm64|native] [--force]
//   node build.mjs --instrumented [--force]
//
// TypeScript in src/ becomes some CommonJS bundles (esbuild), the bundles become part of a Node binary (pkg,
// SEA mode), once for each CPU: files/again/again-linux-x64 and files/again/again-linux-arm64. Beside each
// lies what is shipped of it: the same, packed (.gz), and its checksums (.sums). The Node binaries are those
// of the npm packages node-linux-*, in the versions of package-lock.json. What is up to date is left alone;
// --force builds it all the same. --instrumented builds this CPU's variant for tests of faults (src/os/fault.ts, src/os/second.ts), which is never
// shipped, and lies in the build's cache.

import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { archiveOf, pack, sumsOf } from './scripts/archive.mjs';
import { bundleSources, compile, INSTRUMENTS, V8_OPTIONS } from './scripts/bundle.mjs';
import { isNewer, neededGlibc, OLDEST_GLIBC } from './scripts/glibc.mjs';
import { licensesOf } from './scripts/licenses.mjs';
import {
  architectures,
  cache,
  capture,
  executableOf,
  Failure,
  findProgram,
  instrumentedExecutable,
  load,
  readJson,
  readVersion,
  root,
  run,
} from './scripts/project.mjs';
import { blankSymbols } from './scripts/symbols.mjs';

const usage = 'usage: node build.mjs [--arch x64|arm64|native] [--force] | --instrumented [--force]';

/** How each CPU is called by the tools around the build; `sysroot` holds the C library that the emulator needs. */
const cpus = {
  x64: { emulators: ['qemu-x86_64-static', 'qemu-x86_64'], gnu: 'x86_64-linux-gnu' },
  arm64: { emulators: ['qemu-aarch64-static', 'qemu-aarch64'], gnu: 'aarch64-linux-gnu' },
};

await run('build', async (args) => {
  const { arches, force, instrumented } = parseCommandLine(args);
  checkNode();
  const version = readVersion();
  if (instrumented) {
    const bundles = await bundleSources(version, INSTRUMENTS);
    await buildExecutable({ arch: process.arch, version, bundles, force, instrumented });
    return;
  }
  const bundles = await bundleSources(version);
  for (const arch of arches) {
    await buildExecutable({ arch, version, bundles, force });
  }
});

function parseCommandLine(args) {
  let values;
  const options = {
    arch: { type: 'string' },
    force: { type: 'boolean' },
    instrumented: { type: 'boolean' },
  };
  try {
    ({ values } = parseArgs({ args, options }));
  } catch (error) {
    throw new Failure(`${error.message}; ${usage}`, 64);
  }
  const arch = values.arch === 'native' ? process.arch : values.arch;
  if (arch !== undefined && !architectures.includes(arch)) {
    throw new Failure(`--arch ${arch}: there is no such executable; ${usage}`, 64);
  }
  return {
    arches: arch === undefined ? architectures : [arch],
    force: values.force ?? false,
    instrumented: values.instrumented ?? false,
  };
}

/** pkg makes its blob with the Node that runs it, and only a Node of the same version can read that blob. */
function checkNode() {
  const wanted = lockedBase(process.arch).version;
  if (process.version !== `v${wanted}`) {
    throw new Failure(
      `runs on Node ${wanted} and not on ${process.version}: use \`npm run build\`, which takes that of node_modules`,
    );
  }
}

/** The entry in package-lock.json of the npm package with the Node binary of a CPU. */
function lockedBase(arch) {
  const name = `node-linux-${arch}`;
  const locked = readJson('package-lock.json').packages[`node_modules/${name}`];
  if (!locked) {
    throw new Failure(
      `package-lock.json has no ${name}: this build can't run on or for a CPU of type ${arch}`,
    );
  }
  return { name, version: locked.version, integrity: locked.integrity };
}

/** The folder with the licence of a CPU's Node: npm installs this machine's alone, and that of the same version is the same. */
function licensedNode(arch) {
  const { name, version } = lockedBase(process.arch);
  if (lockedBase(arch).version !== version) {
    throw new Failure(
      `package-lock.json has another ${lockedBase(arch).name} than ${name} ${version}: make them equal`,
    );
  }
  return join(root, 'node_modules', name);
}

async function buildExecutable({ arch, version, bundles, force, instrumented = false }) {
  const output = instrumented ? instrumentedExecutable : executableOf(arch);
  const shown = relative(root, output);
  const strip = findStrip(arch);
  const licenses = licensesOf(version, licensedNode(arch), bundles.inputs);
  const recipe = describeRecipe({ arch, bundles, licenses, strip });
  const stamp = join(cache, instrumented ? 'built-instrumented.json' : `built-${arch}.json`);
  if (!force && isUpToDate(stamp, recipe, output)) {
    console.log(`build: ${shown} is up to date`);
    return;
  }

  mkdirSync(cache, { recursive: true });
  mkdirSync(dirname(output), { recursive: true });
  const work = mkdtempSync(join(cache, 'build-'));
  // A name that Puppet's file server and `npm run module` pass over, in the folder of the result: rename is atomic there.
  const unfinished = join(dirname(output), `.again-linux-${arch}.${process.pid}`);
  try {
    const base = join(work, 'node');
    copyFileSync(provideBase(arch), base);
    if (strip) {
      capture(strip.program, ['--strip-all', base]);
    } else {
      blankSymbols(base);
    }
    await inject({ arch, bundles, licenses, base, work, output: unfinished });
    chmodSync(unfinished, 0o755);
    requireOldGlibc(unfinished, arch);
    const proof = prove(unfinished, arch, version);
    renameSync(unfinished, output);
    if (!instrumented) pack(output);
    writeFileSync(stamp, JSON.stringify({ recipe, results: describeResults(output) }));
    const packed = instrumented ? ', never shipped' : `, ${megabytes(archiveOf(output))} MB packed`;
    const size = `${megabytes(output)} MB${strip ? ', stripped' : ''}${packed}`;
    console.log(`build: ${shown}: ${size}; ${proof}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
    rmSync(unfinished, { force: true });
  }
}

function megabytes(path) {
  return Math.round(statSync(path).size / 1e6);
}

/** binutils may be absent, and each of its builds knows its own CPUs only. */
function findStrip(arch) {
  const { gnu } = cpus[arch];
  const program = findProgram(`${gnu}-strip`, ...(arch === process.arch ? ['strip'] : []));
  return program ? { program, version: capture(program, ['--version']).split('\n')[0] } : undefined;
}

/** All that the result depends on, as one hash. */
function describeRecipe({ arch, bundles, licenses, strip }) {
  const pkg = readJson('node_modules/@yao-pkg/pkg/package.json').version;
  const recipes = ['build.mjs', 'scripts/archive.mjs', 'scripts/bundle.mjs', 'scripts/symbols.mjs'].map(
    (name) => readFileSync(join(root, name), 'utf8'),
  );
  const { loader, parts: sources } = bundles;
  const parts = [
    ...[loader, sources, licenses, recipes, pkg],
    ...[lockedBase(arch), strip?.version ?? 'not stripped', process.arch],
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function describeResults(output) {
  return [output, archiveOf(output), sumsOf(output)].map((path) => {
    const { size, mtimeMs, mode } = statSync(path, { throwIfNoEntry: false }) ?? {};
    return { size, mtimeMs, mode };
  });
}

function isUpToDate(stamp, recipe, output) {
  if (!existsSync(stamp)) {
    return false;
  }
  const found = JSON.stringify({ recipe, results: describeResults(output) });
  return readFileSync(stamp, 'utf8') === found;
}

/** The Node binary of a CPU: npm has installed this machine's; another CPU's is fetched once and checked. */
function provideBase(arch) {
  const { name, version, integrity } = lockedBase(arch);
  const installed = join(root, 'node_modules', name, 'bin/node');
  if (existsSync(installed)) {
    return installed;
  }
  const digest = createHash('sha256').update(integrity).digest('hex').slice(0, 16);
  const base = join(cache, `${name}-${version}-${digest}`);
  if (!existsSync(base)) {
    fetchBase({ name, version, integrity, base });
  }
  return base;
}

function fetchBase({ name, version, integrity, base }) {
  const folder = mkdtempSync(join(cache, 'fetch-'));
  try {
    console.log(`build: npm pack ${name}@${version} (for this build and later ones)`);
    packFromRegistry(`${name}@${version}`, folder);
    const tarball = join(folder, `${name}-${version}.tgz`);
    const [algorithm, expected] = integrity.split(/-(.*)/s);
    if (createHash(algorithm).update(readFileSync(tarball)).digest('base64') !== expected) {
      throw new Failure(
        `${name}@${version} from the registry is not what package-lock.json says: ${integrity}`,
      );
    }
    capture('tar', ['-xzf', tarball, '-C', folder, 'package/bin/node']);
    renameSync(join(folder, 'package/bin/node'), base);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** npm runs on the Node it was installed with, not on that of node_modules that `npm run` puts first in PATH. */
function packFromRegistry(spec, folder) {
  const { npm_node_execpath: node = process.execPath, npm_execpath: npm } = process.env;
  const [program, ...first] = npm ? [node, npm] : ['npm'];
  try {
    capture(program, [...first, 'pack', spec, '--pack-destination', folder, '--loglevel=error'], {
      cwd: root,
    });
  } catch (error) {
    throw new Failure(`can't get ${spec} from the npm registry: ${error.message}`);
  }
}

/** pkg's command line passes neither a base nor a SEA configuration on: its inner modules take both. */
async function loadPkg() {
  const { default: sea } = await load('@yao-pkg/pkg/lib-es5/sea.js');
  const { default: log } = await load('@yao-pkg/pkg/lib-es5/log.js');
  return { sea: sea.default, log: log.log };
}

async function inject({ arch, bundles, licenses, base, work, output }) {
  const { sea, log } = await loadPkg();
  log.info = () => {};
  const main = join(work, 'again.cjs');
  writeFileSync(main, bundles.loader);
  writeFileSync(join(work, 'licenses.txt'), licenses);
  const assets = { 'licenses.txt': '../licenses.txt' };
  for (const [name, source] of Object.entries(bundles.parts)) {
    // V8's code is good for the CPU that made it.
    const code = arch === process.arch ? compile(source) : '';
    for (const [file, content] of [
      [`${name}.js`, source],
      [`${name}.code`, code],
    ]) {
      writeFileSync(join(work, file), content);
      assets[file] = `../${file}`;
    }
  }
  process.env.TMPDIR = work; // pkg's own temporary folder is made there, and goes with it
  try {
    await sea(main, {
      targets: [{ platform: 'linux', arch, nodeRange: `node${process.versions.node.split('.')[0]}`, output }],
      nodePath: base,
      useLocalNode: true, // makes the blob: another CPU's binary can't
      seaConfig: {
        main: '../again.cjs', // seen from pkg's folder; it becomes part of the executable: no path of this machine
        disableExperimentalSEAWarning: true,
        useSnapshot: false,
        assets,
        useCodeCache: false, // of the loader, which is short; the parts have theirs
        // Without the first one, SIGUSR1 has Node listen for a debugger, by which every local user becomes this one.
        execArgv: ['--disable-sigusr1', ...V8_OPTIONS],
        execArgvExtension: 'none', // NODE_OPTIONS of a Puppet run is not meant for this Node
      },
    });
  } catch (error) {
    throw new Failure(`pkg: ${error.message}`);
  }
}

/** A newer Node may be built for a newer glibc: then it would not start on nodes that are promised to work. */
function requireOldGlibc(path, arch) {
  const needed = neededGlibc(path);
  if (needed !== undefined && isNewer(needed, OLDEST_GLIBC)) {
    throw new Failure(
      `the executable for ${arch} needs glibc ${needed}; the README promises ${OLDEST_GLIBC}`,
    );
  }
}

/** Runs the result, as far as this machine can: a sentence that says how far that was. */
function prove(path, arch, version) {
  const [program, ...first] = arch === process.arch ? [path] : [...emulate(arch), path];
  if (program === path && arch !== process.arch) {
    return `not run: this machine has no ${cpus[arch].emulators[0]} with a C library for it`;
  }
  const said = capture(program, [...first, '--version'], { env: {}, timeout: 120_000 }).trim();
  if (!said.split(/\s+/).includes(version)) {
    throw new Failure(`the executable for ${arch} answers '${said}' to --version, and not ${version}`);
  }
  return program === path ? `says ${said}` : `says ${said} under ${program.split('/').at(-1)}`;
}

function emulate(arch) {
  const { emulators, gnu } = cpus[arch];
  const program = findProgram(...emulators);
  const sysroot = `/usr/${gnu}`;
  return program && existsSync(join(sysroot, 'lib')) ? [program, '-L', sysroot] : [];
}
