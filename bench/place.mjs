// A throw-away installation, beside its peers, and the stub of a Puppet run that calls them.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { executableOf, Failure, root } from '../scripts/project.mjs';
import { buildEmpty } from './empty.mjs';

export function makePlace() {
  const folder = mkdtempSync(join(tmpdir(), 'again-bench-'));
  const home = join(folder, 'again');
  mkdirSync(home);
  const executable = executableOf(process.arch);
  if (!existsSync(executable)) throw new Failure(`${executable} is missing: npm run build makes it`);
  cpSync(executable, join(home, 'again'));
  for (const script of ['notify', 'deliver']) cpSync(join(root, 'files/again', script), join(home, script));
  const settings = {
    ...{ puppet_version: '8.0.0', burst: 1000, max_delay: 1800, limit: null, splay: 0 },
    ...{ grace: 0, unsupported: 'fail' },
  };
  writeFileSync(join(home, 'again.json'), JSON.stringify(settings));
  const empty = buildEmpty(folder);
  // Pages of a file that was just written count as dirty until they are on the disk.
  execFileSync('sync');
  const again = join(home, 'again');
  return {
    folder,
    home,
    again,
    notify: ['/bin/sh', join(home, 'notify')],
    python: ['/usr/bin/python3', join(root, 'bench/peers/rerun.py')],
    puppet: join(root, 'bench/peers/puppet'),
    empty,
    cancelAll: () => spawnSync(again, ['cancel', '--all']),
    remove() {
      spawnSync(again, ['cancel', '--all']);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Runs a Ruby script as a run of Puppet, to its end; what it prints, and the path of its journal. */
export function runStub(place, name, script) {
  const { file, journal, options } = prepare(place, name, script);
  return { output: spawnSync(place.puppet, ['apply', file], options).stdout.toString(), journal };
}

/** The same, left running below a shell, which does not leave it as a zombie as a busy Node does. `end` ends it. */
export function startStub(place, name, script) {
  const { file, journal, options } = prepare(place, name, script);
  const pid = start([place.puppet, 'apply', file], options);
  return { journal, end: () => process.kill(-pid, 'SIGKILL') };
}

/** Starts a command as the child of a shell, in a process group whose number it returns. */
export function start(words, options = { stdio: 'ignore' }) {
  return spawn('/bin/sh', ['-c', '"$@"; exit', 'sh', ...words], { ...options, detached: true }).pid;
}

function prepare({ folder }, name, script) {
  const file = join(folder, `${name}.rb`);
  const journal = join(folder, `${name}.journal`);
  writeFileSync(file, script);
  writeFileSync(journal, '');
  const options = { env: { ...process.env, BENCH_JOURNAL: journal }, stdio: ['ignore', 'pipe', 'inherit'] };
  return { file, journal, options };
}

/** A configuration of the real Puppet, with the module and a base folder of its own; `apply` is its `puppet apply` of a manifest. */
export function makeWorld({ folder }, name) {
  const world = join(folder, name);
  const modules = join(world, 'modules');
  mkdirSync(modules, { recursive: true });
  symlinkSync(root, join(modules, 'common'));
  const again = join(world, 'base/common/again');
  const readState = (kind, file) => {
    try {
      return file && JSON.parse(readFileSync(join(again, 'state', kind, file), 'utf8'));
    } catch {
      return undefined; // gone since
    }
  };
  return {
    world,
    again,
    /** Writes a manifest that includes the module; the words that apply it. */
    manifest(title, body, parameters = '') {
      const path = join(world, `${title}.pp`);
      writeFileSync(
        path,
        `class { 'common::vardir': base => '${world}/base' }
class { 'common::again': symlink => false, burst => 1000, grace => 0, ${parameters} }
${body}
`,
      );
      const folders = ['conf', 'var'].flatMap((kind) => [`--${kind}dir`, join(world, kind)]);
      return ['/usr/bin/puppet', 'apply', '--color=false', ...folders, '--modulepath', modules, path];
    },
    /** Names of what is in a folder of the state. */
    state(kind) {
      const path = join(again, 'state', kind);
      return existsSync(path) ? readdirSync(path).filter((file) => file.endsWith('.json')) : [];
    },
    /** The record of the pending entries. */
    record() {
      return readState('commands', this.state('commands')[0]);
    },
    /** The newest of the past reruns, of which the present one is one. */
    lastRerun() {
      return readState('history', this.state('history').toSorted().at(-1));
    },
  };
}

/** Runs a command whose success is expected; its standard output. */
export function must([file, ...args]) {
  const { status, stdout, stderr } = spawnSync(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Failure(`${[file, ...args].join(' ')} has failed: ${stderr}`);
  return stdout;
}
