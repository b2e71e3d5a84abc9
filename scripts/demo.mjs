// Shows the module at work: a real `puppet apply` of examples/again.pp in a throw-away place, and the run that
// follows it; then the same in the foreground, by `again run`. Prints all of them as they happen; exit 0 only if the
// second run was seen to start, in the process that waited for it, and to end, and if `again run` had both of its
// runs. `npm run demo` installs and builds before what this needs.

import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, findProgram, root, run } from './project.mjs';

/** How long each of the runs may take, in ms: a Puppet run takes seconds. */
const patience = 60_000;

/** How often the machine is looked at, in ms. */
const interval = 20;

/** The message of Facter in containers that don't let even root read it; it harms nothing. */
const noise = /Facter: Permission denied .*\/proc\/1\/environ/;

let begin = Date.now();

await run('demo', async (args) => {
  if (args.length > 0) {
    throw new Failure(`takes no arguments, not '${args.join(' ')}'`, 64);
  }
  if (!findProgram('puppet')) {
    throw new Failure('there is no `puppet` in PATH: `npm run demo` installs it');
  }
  const place = makePlace();
  const clean = () => cleanUp(place);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => {
      clean();
      process.exit(130);
    });
  }
  try {
    await showBothRuns(place);
    await showInForeground(place);
  } finally {
    clean();
  }
});

/** A folder with all that the runs read and write. */
function makePlace() {
  const folder = mkdtempSync(join(tmpdir(), 'again-demo-'));
  const place = {
    folder,
    manifest: join(root, 'examples/again.pp'),
    modules: join(folder, 'modules'),
    confdir: join(folder, 'conf'),
    vardir: join(folder, 'var'),
    base: join(folder, 'base'),
    files: join(folder, 'files'),
  };
  for (const path of [place.modules, place.confdir, place.vardir, place.files]) {
    mkdirSync(path);
  }
  symlinkSync(root, join(place.modules, 'common'));
  // These don't move with --vardir.
  const elsewhere = ['logdir', 'rundir', 'publicdir'].map((name) => `${name} = ${join(folder, name)}\n`);
  writeFileSync(join(place.confdir, 'puppet.conf'), `[main]\n${elsewhere.join('')}`);
  // No link in root's PATH to an executable that goes with the demonstration.
  mkdirSync(join(place.confdir, 'data'));
  writeFileSync(
    join(place.confdir, 'hiera.yaml'),
    'version: 5\nhierarchy:\n  - { name: demo, path: demo.yaml, data_hash: yaml_data, datadir: data }\n',
  );
  writeFileSync(join(place.confdir, 'data/demo.yaml'), 'common::again::symlink: false\n');
  return place;
}

async function showBothRuns(place) {
  begin = Date.now();
  const first = startFirstRun(place);
  const waiters = new Set();
  const lines = followLogs(place);

  let second;
  let told;
  let deadline = Date.now() + patience;
  while (true) {
    for (const pid of findWaiters(place)) {
      if (!waiters.has(pid)) {
        waiters.add(pid);
        say('again', pid, `waits for the end of run 1 (process ${first.pid})`);
      }
    }
    if (first.status !== undefined && !told) {
      told = true;
      say('run 1', first.pid, `has ended, exit ${first.status} (2: it changed something)`);
      if (first.status !== 2) {
        throw new Failure(`the first run ended with ${first.status}, 2 was expected: see its lines above`);
      }
    }
    const begun = [...waiters].find((pid) => isRun(pid, place));
    if (begun && isGoingOn(first.pid)) {
      throw new Failure('the second run began before the first had ended');
    }
    if (begun && told && !second) {
      second = begun;
      deadline = Date.now() + patience;
      say('run 2', second, `has begun, in the process that waited: ${readArguments(second).join(' ')}`);
    }
    for (const line of lines()) {
      say('run 2', second ?? begun ?? '', `| ${line}`);
    }
    if (second && !isRun(second, place)) {
      say('run 2', second, 'has ended');
      break;
    }
    if (told && !second && ![...waiters].some(isAlive)) {
      throw new Failure('the first run has ended, and no process of again waits: no second run will come');
    }
    if (Date.now() > deadline) {
      throw new Failure(
        `after ${patience / 1000} s ${second ? 'the second run still goes on' : 'no second run was seen'}`,
      );
    }
    await sleep(interval);
  }
  for (const line of lines()) {
    say('run 2', second, `| ${line}`);
  }
  checkReport(place, first);
  while (findWaiters(place).length > 0) {
    if (Date.now() > deadline) {
      throw new Failure('a process of again is left after the second run');
    }
    await sleep(interval);
  }
  say('demo', process.pid, 'one notification, two runs, and no process of again is left');
}

/** The same convergence once more, in front of people. */
async function showInForeground(place) {
  rmSync(join(place.files, 'foo'));
  const command = ['puppet', ...applyWords(place)];
  const child = spawn(join(place.base, 'common/again/again'), ['run', '--', ...command], {
    env: environment(place),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  say('again', child.pid, `has begun: again run -- puppet apply … ${basename(place.manifest)}`);
  let applied = 0;
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      if (line.includes('Applied catalog in')) applied += 1;
      say('again', child.pid, `| ${line}`);
    });
  }
  const late = setTimeout(() => child.kill(), 2 * patience);
  const status = await new Promise((resolve, reject) => {
    child.once('close', (code, signal) => resolve(code ?? signal));
    child.once('error', reject);
  });
  clearTimeout(late);
  say('again', child.pid, `has ended, exit ${status} (that of its last run, which changed nothing)`);
  if (status !== 0 || applied !== 2) {
    throw new Failure(
      `\`again run\` ended with ${status} after ${applied} runs; 0 after two of them was expected: see its lines above`,
    );
  }
  if (findWaiters(place).length > 0) {
    throw new Failure('a process of again is left after `again run`');
  }
  say('demo', process.pid, 'in the foreground: one command, two runs, and no process of again is left');
}

/** Starts `puppet apply` and prints its lines; `status` is set when it has ended. */
function startFirstRun(place) {
  const child = spawn('puppet', applyWords(place), {
    env: environment(place),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const first = { pid: child.pid, status: undefined, report: undefined };
  say('run 1', first.pid, `has begun: puppet apply … ${basename(place.manifest)}`);
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => say('run 1', first.pid, `| ${line}`));
  }
  child.once('exit', (status, signal) => {
    first.report = readReport(place);
    first.status = status ?? signal;
  });
  child.once('error', (error) => {
    first.status = error.message;
  });
  return first;
}

function applyWords({ confdir, vardir, modules, manifest }) {
  const folders = ['--confdir', confdir, '--vardir', vardir, '--modulepath', modules];
  return ['apply', ...folders, '--color=false', '--detailed-exitcodes', manifest];
}

function environment({ base, files }) {
  return { ...process.env, FACTER_puppet_vardirtmp: `${base}/`, FACTER_again_example_folder: files };
}

/** Puppet's own report is the proof that the second run was a whole one. */
function checkReport(place, first) {
  const report = readReport(place);
  const failure =
    (report === undefined && 'Puppet left no report of the second run') ||
    (report.uuid === first.report?.uuid && 'the only report that Puppet left is that of the first run') ||
    (report.completed !== 'true' && 'Puppet reports that the second run was not completed') ||
    (report.status !== 'unchanged' && `Puppet reports the status '${report.status}' of the second run`);
  if (failure) {
    throw new Failure(`${failure}; 'unchanged' and complete was expected`);
  }
  say('demo', process.pid, `Puppet's report of run 2: ${report.status}, complete`);
}

function readReport({ vardir }) {
  const path = join(vardir, 'state/last_run_report.yaml');
  if (!existsSync(path)) {
    return undefined;
  }
  const text = readFileSync(path, 'utf8');
  const value = (key) => new RegExp(`^${key}: *['"]?([^'"\\n]*)`, 'm').exec(text)?.[1];
  return {
    uuid: value('transaction_uuid'),
    status: value('status'),
    completed: value('transaction_completed') ?? 'true', // Puppet 5 does not say
  };
}

/** The processes that run this demo's executable. */
function findWaiters({ base }) {
  const executable = join(base, 'common/again/again');
  return findProcesses((pid) => readExecutable(pid) === executable);
}

function findProcesses(matches) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter(matches);
}

/** Whether a process is a Puppet run of this demo's manifest. */
function isRun(pid, { manifest }) {
  return /^ruby/.test(basename(readExecutable(pid) ?? '')) && readArguments(pid).includes(manifest);
}

/** Whether a process has not ended: one that has, but was not waited for yet, is a zombie. */
function isGoingOn(pid) {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function isAlive(pid) {
  return existsSync(`/proc/${pid}`);
}

function readExecutable(pid) {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined; // gone meanwhile, or a kernel thread, or another user's
  }
}

function readArguments(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

/** A function that returns the lines that have come into again's logs since its last call. */
function followLogs({ base }) {
  const folder = join(base, 'common/again/state/logs');
  const seen = new Map();
  return () => {
    const names = existsSync(folder) ? readdirSync(folder).sort() : [];
    return names.flatMap((name) => {
      const complete = readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1);
      const fresh = complete.slice(seen.get(name) ?? 0);
      seen.set(name, complete.length);
      return fresh;
    });
  };
}

function say(who, pid, what) {
  if (noise.test(what)) {
    return;
  }
  const time = ((Date.now() - begin) / 1000).toFixed(2).padStart(6);
  console.log(`${time} s  ${who.padEnd(5)}  ${String(pid).padStart(7)}  ${what}`);
}

/** Ends what the demo has started, if it failed half-way, and removes its files. */
function cleanUp(place) {
  const started = () => [
    ...findWaiters(place),
    ...findProcesses((pid) => readArguments(pid).includes(place.confdir)),
  ];
  for (const signal of ['SIGTERM', 'SIGKILL']) {
    started().forEach((pid) => {
      end(pid, signal);
    });
    for (let tries = 0; started().length > 0 && tries < 30; tries += 1) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100); // also a signal's handler waits here
    }
  }
  rmSync(place.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

function end(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}
