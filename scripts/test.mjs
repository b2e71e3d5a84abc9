// Runs the project's checks, each with its own output, and closes with a line that sums them up:
//
//   node scripts/test.mjs PART [ARGUMENTS FOR IT…]
//
// `all` (npm test) sets up the machine and runs every part, as root; a part that fails doesn't hide the later
// ones. `lint`, `unit`, `catalog`, `machine`, `people`, `container`, `matrix` run that part alone,
// and `long` what is slow and seldom breaks, which `all` leaves out.

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { cache, Failure, readVersion, root, run } from './project.mjs';

/** How long a step may take, in minutes, before it counts as failed, unless it says so itself. */
const patience = 45;

/** The same for `npm run test:long`, which is not a part of any CI. */
const longPatience = 150;

/** How many of the slowest files the closing part names: where to begin, should the tests take too long. */
const SLOWEST = 8;

const bin = (name) => join(root, 'node_modules/.bin', name);
const reports = join(cache, 'test');
const ci = Boolean(process.env.CI);

/** A command whose exit status is its result. */
const check = (title, program, ...args) => ({ title, program, args, count: countNothing });

const vitest = (project, title, ...args) => ({
  title,
  program: bin('vitest'),
  args: [
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    '--reporter=./scripts/remarks.mjs',
    `--outputFile.json=${reportOf(project)}`,
    ...args,
  ],
  env: { AGAIN_REMARKS: remarksOf(project) },
  count: () => ({ ...countVitest(reportOf(project)), remarks: readLines(remarksOf(project)) }),
});

const long = (project, title) => ({ ...vitest(project, title, '--passWithNoTests'), minutes: longPatience });

const setUp = (...parts) => check(`set-up: ${parts.join(', ')}`, 'sh', 'scripts/setup.sh', ...parts);
const module = check('module', bin('node'), 'scripts/module.mjs');
const build = (...args) => check('build', bin('node'), 'build.mjs', ...args);

/** The short form of `npm run chaos`. */
const chaos = check('chaos: random sequences', bin('node'), 'spec/chaos/main.ts', '--short');

/** Not two containers at a time, where other tests run beside them. */
const alone = '--maxWorkers=1';

/** The steps of each part. */
const parts = {
  lint: [
    check('lint and format of TypeScript', bin('biome'), ci ? 'ci' : 'check', '--error-on-warnings'),
    check('types', bin('tsc'), '--project', root),
  ],
  shell: [
    check(
      'shell scripts',
      'sh',
      '-c',
      'shellcheck scripts/*.sh tasks/*.sh examples/cluster/files/* $(find files -name notify -o -name deliver -o -name remove)',
    ),
  ],
  unit: [vitest('unit', 'unit tests', '--passWithNoTests')],
  bundle: [vitest('bundle', 'unit tests of the built core', '--passWithNoTests')],
  root: [vitest('root', 'unit tests that need root')],
  catalog: [
    { title: 'catalog: lint and rspec', program: 'sh', args: ['scripts/catalog.sh'], count: countRspec },
  ],
  machine: [vitest('machine', 'on this machine')],
  people: [vitest('people', 'what people and their tools use', '--passWithNoTests')],
  foreground: [vitest('foreground', '`again run`', '--passWithNoTests')],
  container: [vitest('container', 'in booted containers')],
  matrix: [vitest('matrix-fast', 'the fast part of the matrix')],
  // Beside each other: what the command line chooses may be in one of them alone.
  long: [
    [
      [long('long-container', 'in booted containers: what is slow and seldom breaks')],
      [long('long', 'what is slow and seldom breaks')],
    ],
  ],
};

/** The steps for each word of the command line. An array within a plan has lanes, which run at the same time. */
const plans = {
  all: [
    setUp('npm', 'test'),
    build(),
    [
      [...parts.lint, ...parts.shell, ...parts.unit, ...parts.bundle, ...parts.root, build('--instrumented')],
      parts.catalog,
    ],
    chaos,
    module,
    check('demo', bin('node'), 'scripts/demo.mjs'),
    // Most of their time is waiting. They share nothing: a rerun waits for every Puppet of its machine, and a container is another one.
    [
      [...withArguments(parts.container, [alone]), ...parts.foreground],
      [...parts.machine, ...parts.people, ...withArguments(parts.matrix, [alone])],
    ],
  ],
  lint: [setUp('npm'), ...parts.lint],
  unit: [setUp('npm'), [[...parts.unit, ...parts.bundle]]],
  catalog: parts.catalog,
  machine: [setUp('npm', 'test'), build('--arch', 'native'), ...parts.machine],
  people: [setUp('npm', 'test'), build(), module, [[...parts.people, ...parts.foreground]]],
  container: [setUp('npm', 'test'), build(), module, ...parts.container],
  matrix: [setUp('npm', 'test'), build(), module, ...parts.matrix],
  long: [setUp('npm', 'test'), build(), module, ...parts.long],
};

/** The plans that change the machine. */
const needRoot = ['all', 'machine', 'people', 'container', 'matrix', 'long'];

/** Ends what runs, where the tests are told to end. */
const going = new Set();
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    for (const end of going) end('SIGTERM');
    process.exit(130);
  });

await run('test', async ([name = '', ...args]) => {
  const plan = Object.hasOwn(plans, name) ? plans[name] : undefined;
  if (!plan) {
    throw new Failure(`'${name}' is no part of the tests: ${Object.keys(plans).join(', ')}`, 64);
  }
  if (needRoot.includes(name) && process.getuid() !== 0) {
    throw new Failure(
      'needs root, for it installs packages and drives the real Puppet; `npm run lint`, `npm run test:unit` and `npm run test:catalog` need none',
    );
  }
  readVersion();
  rmSync(reports, { recursive: true, force: true });

  if (name === 'all' && args.length > 0) {
    throw new Failure('npm test takes no arguments: `npm run test:machine -- ARGUMENTS` and its like do', 64);
  }
  sumUp(await takeAll([...plan.slice(0, -1), withArguments(plan.at(-1), args)], showAtOnce));
});

/** A step, or the steps of its lanes, with more arguments. */
function withArguments(step, args) {
  if (Array.isArray(step)) return step.map((one) => withArguments(one, args));
  return { ...step, args: [...step.args, ...args] };
}

/** Runs the steps of a plan, one after the other. */
async function takeAll(plan, show) {
  const results = [];
  for (const step of plan) {
    results.push(...(Array.isArray(step) ? await takeLanes(step, show) : [await take(step, show)]));
  }
  return results;
}

/** Runs lanes at the same time. What the first one prints is shown as it comes; what the others do, in one piece at the end of each step. */
async function takeLanes(lanes, show) {
  const results = await Promise.all(
    lanes.map((lane, index) => takeAll(lane, index === 0 ? show : showAtEnd)),
  );
  return results.flat();
}

/** How the output of a step is shown: called at its begin, it returns what takes the output, and what is called at the end. */
function showAtOnce({ title }) {
  heading(title);
  return { take: (data) => process.stdout.write(data), end: () => {} };
}

function showAtEnd({ title }) {
  let all = '';
  const begun = time();
  return {
    take: (data) => {
      all += data;
    },
    end: () => {
      heading(`${title}, since ${begun}`);
      process.stdout.write(all);
    },
  };
}

/** Runs a step: `{ title, passed, failed, skipped, seconds }`. */
async function take(step, show) {
  const begin = Date.now();
  const shown = show(step);
  const { status, output } = await runVisibly(step, shown.take);
  shown.end();
  const counted = step.count(output);
  // A step that crashed has failed, whatever it counted before; a check has no count but its exit status.
  if (status !== 0 && counted.failed === 0) {
    counted.failed = 1;
    counted.remarks = [
      ...(counted.remarks ?? []),
      ...lastLines(output).map((line) => `${step.title}: ${line}`),
    ];
  } else if (status === 0 && counted.passed + counted.failed + counted.skipped === 0) {
    counted.passed = 1;
  }
  return { title: step.title, ...counted, seconds: Math.round((Date.now() - begin) / 1000) };
}

/** The last output of a step that failed: enough to see why, where only the end of all output is at hand. */
function lastLines(output) {
  return output
    .split('\n')
    .filter(Boolean)
    .slice(-15)
    .map((line) => line.slice(0, 400));
}

/** Runs a command in the project's root; what it prints is handed over as it comes, and returned. */
function runVisibly({ title, program, args, env, minutes = patience }, show) {
  mkdirSync(reports, { recursive: true });
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(program, args, {
      cwd: root,
      detached: true, // a group of its own, to be ended as a whole
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env, ...(process.stdout.isTTY && { FORCE_COLOR: '1' }) },
    });
    const end = (signal) => {
      try {
        process.kill(-child.pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    };
    going.add(end);
    const limit = setTimeout(() => {
      console.error(`test: '${title}' was ended: it took more than ${minutes} minutes`);
      end('SIGTERM');
      setTimeout(end, 10_000, 'SIGKILL').unref();
    }, minutes * 60_000);
    const finish = (status) => {
      clearTimeout(limit);
      going.delete(end);
      resolve({ status, output });
    };
    child.stdout.on('data', (data) => {
      show(data);
      output += data;
    });
    child.once('error', (error) => {
      console.error(`test: ${error.message}`);
      finish(1);
    });
    // Not 'close': a background process that keeps the pipe open must not hold the tests.
    child.once('exit', (status) => setTimeout(finish, 200, status ?? 1));
  });
}

function reportOf(project) {
  return join(reports, `${project}.json`);
}

function remarksOf(project) {
  return join(reports, `${project}.remarks`);
}

function readLines(path) {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean);
  } catch {
    return []; // vitest crashed before it wrote it
  }
}

function countNothing() {
  return { passed: 0, failed: 0, skipped: 0 };
}

function countVitest(path) {
  try {
    const report = JSON.parse(readFileSync(path, 'utf8'));
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests,
      skipped: report.numPendingTests + report.numTodoTests,
      files: report.testResults.map(({ name, startTime, endTime }) => ({
        name: relative(root, name),
        seconds: Math.round((endTime - startTime) / 1000),
      })),
    };
  } catch {
    return countNothing(); // vitest crashed before it wrote its report, or meanwhile
  }
}

/** Sums rspec's closing lines, `12 examples, 1 failure, 2 pending`, and names what failed by its lines `rspec ./spec/… # …`. */
function countRspec(output) {
  const counted = {
    ...countNothing(),
    remarks: [...output.matchAll(/^rspec '?\.\/.*$/gm)].map(([line]) => `failed: ${line}`),
  };
  for (const [, examples, failures, pending] of output.matchAll(
    /(\d+) examples?, (\d+) failures?(?:, (\d+) pending)?/g,
  )) {
    counted.failed += Number(failures);
    counted.skipped += Number(pending ?? 0);
    counted.passed += Number(examples) - Number(failures) - Number(pending ?? 0);
  }
  return counted;
}

function slowest(results) {
  const files = results.flatMap(({ files = [] }) => files).sort((a, b) => b.seconds - a.seconds);
  return files.slice(0, SLOWEST).map(({ name, seconds }) => `${String(seconds).padStart(5)} s  ${name}`);
}

function heading(title) {
  console.log(`\n== ${time()} ${title}`);
}

function time() {
  return new Date().toTimeString().slice(0, 8);
}

function sumUp(results) {
  heading('sum');
  const total = countNothing();
  for (const { title, passed, failed, skipped, seconds } of results) {
    console.log(
      `${failed > 0 ? 'FAILED' : 'ok    '} ${describe({ passed, failed, skipped }).padEnd(36)} ${String(seconds).padStart(5)} s  ${title}`,
    );
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
  }
  for (const remark of results.flatMap(({ remarks = [] }) => remarks)) console.log(remark);
  process.exitCode = total.failed > 0 ? 1 : 0;
  if (results.some(({ seconds }) => seconds > 60))
    console.log(['', 'the slowest files', ...slowest(results)].join('\n'));
  console.log(`\n${describe(total)}`);
}

function describe({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
