// Shared by build.mjs and the scripts: where things are, how a script fails, how it runs a program.
// Runs on Node 18 and later, without node_modules.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the module. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The folder for files that scripts keep between two runs; npm removes it with node_modules. */
export const cache = join(root, 'node_modules/.cache/again');

/** The CPUs that the module has an executable for, as Node names them. */
export const architectures = ['x64', 'arm64'];

/** Where the executable of a CPU is built, and where Puppet finds it. */
export const executableOf = (arch) => join(root, `files/again/again-linux-${arch}`);

/** The variant for tests of faults; no folder that Puppet or `npm run module` looks at. */
export const instrumentedExecutable = join(cache, 'instrumented/again');

/** The files and folders that users of the module get, as far as they exist. */
export const shipped = [
  'CHANGELOG.md',
  'CONTRIBUTING.md',
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

/** Something that the user can do something about: shown as one line, without a stack. */
export class Failure extends Error {
  /** @param {string} message @param {number} [status] exit status; 64 is a wrong command line */
  constructor(message, status = 1) {
    super(message.trim().replaceAll(/\s*\n\s*/g, '; '));
    this.status = status;
  }
}

/** Runs a script's `main`; a failure becomes one line on standard error and the exit status. */
export async function run(name, main) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    console.error(`${name}: ${error instanceof Failure ? error.message : (error?.stack ?? error)}`);
    process.exitCode = error?.status ?? 1;
  }
}

/** Runs a program to its end and returns what it wrote to standard output. */
export function capture(program, args, options = {}) {
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  const said = result.error?.message ?? result.stderr?.trim();
  if (result.error || result.status !== 0) {
    throw new Failure(
      `${program} ${args.join(' ')} failed: ${said || (result.signal ?? `exit ${result.status}`)}`,
    );
  }
  return result.stdout;
}

/** Reads a JSON file of the project. */
export function readJson(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8'));
  } catch (error) {
    throw new Failure(`${path}: ${error.message}`);
  }
}

/** The version of the module; package.json and metadata.json have to agree on it. */
export function readVersion() {
  const { version } = readJson('package.json');
  if (existsSync(join(root, 'metadata.json')) && readJson('metadata.json').version !== version) {
    throw new Failure(
      `package.json has version ${version}, metadata.json has ${readJson('metadata.json').version}: make them equal`,
    );
  }
  return version;
}

/** Whether a program of that name is in PATH. */
export function findProgram(...names) {
  const folders = (process.env.PATH ?? '').split(':').filter(Boolean);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
}

/** A package that the build needs. */
export async function load(name) {
  try {
    return await import(name);
  } catch (error) {
    throw new Failure(`can't load ${name} (${error.code ?? error.message}): run \`npm ci\` first`);
  }
}
