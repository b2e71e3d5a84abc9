// Measures what this module costs, side by side with peers, in one run:
//
//   npm run bench [-- FIGURE...]      figures: exec, latency, memory, cpu; all of them unless told
//
// Prints one table of ratios, compares it with the last one, and writes docs/BENCHMARKS.md. Takes about five minutes on an idle machine; on a
// busy one the ratios hold, the milliseconds don't. Needs root where the machine's Puppet does, python3 and ruby.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, root, run } from '../scripts/project.mjs';
import { buildEmpty } from './empty.mjs';
import { median, percentile } from './statistics.mjs';

const results = join(root, 'docs/BENCHMARKS.md');
const figures = { exec: measureExec, latency: measureLatency, memory: measureMemory, cpu: measureCpu };

await run('bench', async (names) => {
  const unknown = names.find((name) => !Object.hasOwn(figures, name));
  if (unknown !== undefined) {
    throw new Failure(`'${unknown}' is no figure: ${Object.keys(figures).join(', ')}`, 64);
  }
  const place = await makePlace();
  try {
    const rows = [];
    for (const name of names.length > 0 ? names : Object.keys(figures)) {
      console.log(`== ${name}`);
      rows.push(...(await figures[name](place)));
    }
    const table = drawTable(rows);
    console.log(`\n${table}`);
    if (names.length === 0) writeFileSync(results, page(table));
  } finally {
    rmSync(place.folder, { recursive: true, force: true });
  }
});

/** A throw-away installation, beside the peers. */
async function makePlace() {
  const folder = mkdtempSync(join(tmpdir(), 'again-bench-'));
  const home = join(folder, 'again');
  mkdirSync(home);
  const executable = join(root, `files/again/again-linux-${process.arch}`);
  if (!existsSync(executable)) throw new Failure(`${executable} is missing: npm run build makes it`);
  cpSync(executable, join(home, 'again'));
  cpSync(join(root, 'files/again/notify'), join(home, 'notify'));
  const settings = { puppet_version: '8.0.0', burst: 1000, max_delay: 1800, limit: null, splay: 0 };
  writeFileSync(join(home, 'again.json'), JSON.stringify(settings));
  const empty = await buildEmpty(folder);
  // Pages of a file that was just written count as dirty until they are on the disk.
  execFileSync('sync');
  return {
    folder,
    home,
    again: join(home, 'again'),
    notify: `/bin/sh ${join(home, 'notify')}`,
    peer: join(root, 'bench/peers/rerun.py'),
    puppet: join(root, 'bench/peers/puppet'),
    empty,
  };
}

/** Runs a script as the stub of Puppet does; what its journal says. */
function runStub(place, name, script, { wait = true } = {}) {
  const file = join(place.folder, `${name}.rb`);
  const journal = join(place.folder, `${name}.journal`);
  writeFileSync(file, script);
  const options = { env: { ...process.env, BENCH_JOURNAL: journal }, stdio: ['ignore', 'pipe', 'inherit'] };
  if (!wait) return { child: spawn(place.puppet, ['apply', file], options), journal };
  return { output: spawnSync(place.puppet, ['apply', file], options).stdout.toString(), journal };
}

function cancelAll(place) {
  spawnSync(place.again, ['cancel', '--all']);
}

/** Time inside the Exec: whole process, alternating, so that what disturbs one disturbs all. */
async function measureExec(place) {
  const commands = {
    empty: [place.empty],
    'first notification': ['/bin/sh', join(place.home, 'notify'), '--name', 'bench'],
    'one more of the run': ['/bin/sh', join(place.home, 'notify'), '--name', 'more'],
    python: ['/usr/bin/python3', place.peer],
  };
  const script = `
now = -> { Process.clock_gettime(Process::CLOCK_MONOTONIC) }
commands = { ${Object.entries(commands)
    .map(([name, words]) => `'${name}' => ${JSON.stringify(words)}`)
    .join(', ')} }
40.times do
  commands.each do |name, words|
    from = now.()
    system(*words, in: File::NULL, out: File::NULL) or abort(name)
    puts [name, (now.() - from) * 1000].join(';')
  end
  system('${place.again}', 'cancel', '--all', out: File::NULL)
  system('pkill', '-f', '${place.peer}')
end`;
  const { output } = runStub(place, 'exec', script);
  const times = Map.groupBy(
    output
      .trim()
      .split('\n')
      .map((line) => line.split(';')),
    ([name]) => name,
  );
  const of = (name) => median(times.get(name).map(([, time]) => Number(time)));
  const base = of('empty');
  return Object.keys(commands).map((name) => ({
    figure: 'time inside the Exec',
    what: name,
    value: `${of(name).toFixed(1)} ms`,
    ratio: of(name) / base,
    budget: name === 'first notification' ? '<= 1.15 x empty' : '',
  }));
}

/** End of a run to start of its rerun, 100 reruns in a row. */
async function measureLatency(place) {
  const rows = [];
  const peers = {
    again: [`${place.notify} > /dev/null`, 100],
    python: [`/usr/bin/python3 ${place.peer} > /dev/null`, 10],
  };
  for (const [name, [command, count]] of Object.entries(peers)) {
    const script = `exit if File.read(ENV['BENCH_JOURNAL']).scan('start').size > ${count}\nsystem('${command}')`;
    const { journal } = runStub(place, `latency-${name}`, script);
    const events = await journalOf(journal, 2 * (count + 1));
    const gaps = events.flatMap(([what, at], index) =>
      what === 'start' && index > 0 ? [(at - events[index - 1][1]) * 1000] : [],
    );
    const shown = `median ${median(gaps).toFixed(0)} ms, p99 ${percentile(gaps, 99).toFixed(0)} ms`;
    rows.push({
      figure: 'end of run to start of rerun',
      what: `${name}, ${gaps.length} reruns; the start of Ruby included`,
      value: shown,
      ratio: median(gaps),
      budget: name === 'again' ? 'median <= 25 ms, p99 <= 100 ms, without the start of Ruby' : '',
    });
  }
  const ruby = median(
    Array.from({ length: 20 }, () => {
      const from = performance.now();
      spawnSync('/usr/bin/ruby', ['-e', '1']);
      return performance.now() - from;
    }),
  );
  rows.push({
    figure: 'end of run to start of rerun',
    what: 'start of Ruby alone',
    value: `${ruby.toFixed(0)} ms`,
    ratio: ruby,
    budget: '',
  });
  return rows.map((row) => ({ ...row, ratio: row.ratio / ruby }));
}

async function journalOf(path, count) {
  for (const deadline = performance.now() + 300_000; performance.now() < deadline; await sleep(100)) {
    const lines = readFileSync(path, 'utf8').trim().split('\n');
    if (lines.length >= count)
      return lines.map((line) => line.split(' ')).map(([what, at]) => [what, Number(at)]);
  }
  throw new Failure(`${path} has not come to ${count} lines in five minutes`);
}

/** Private dirty memory of what waits, after five seconds. */
async function measureMemory(place) {
  const waiters = await startWaiters(place);
  await sleep(5000);
  const dirty = Object.entries(waiters.pids).map(([name, pid]) => {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return [name, Number(/Private_Dirty: +(\d+)/.exec(rollup)[1])];
  });
  waiters.end();
  const base = Object.fromEntries(dirty).empty;
  return dirty.map(([name, kilobytes]) => ({
    figure: 'private dirty memory of a waiter',
    what: name,
    value: `${kilobytes} kB`,
    ratio: kilobytes / base,
    budget: name.startsWith('again') ? '<= 1.1 x empty' : '',
  }));
}

/** CPU time of what waits, over 60 s. */
async function measureCpu(place) {
  const waiters = await startWaiters(place);
  const ticks = (pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  await sleep(2000);
  const before = Object.fromEntries(Object.entries(waiters.pids).map(([name, pid]) => [name, ticks(pid)]));
  await sleep(60_000);
  const rows = Object.entries(waiters.pids).map(([name, pid]) => {
    const share = (ticks(pid) - before[name]) / 60;
    return {
      figure: 'CPU of a waiter',
      what: name,
      value: `${share.toFixed(2)} % of a core`,
      ratio: Number.NaN,
      budget: name.startsWith('again') ? '<= 0.3 % of a core' : '',
    };
  });
  waiters.end();
  return rows;
}

/** One of each that waits: for the end of a run that goes on, for a timer, and the peers. */
async function startWaiters(place) {
  const going = runStub(
    place,
    'going',
    `system('${place.notify} --name going > /dev/null'); system('/usr/bin/python3 ${place.peer} > /dev/null'); sleep 300`,
    { wait: false },
  );
  runStub(place, 'timer', `system('${place.notify} --name timer --delta 600 > /dev/null')`);
  const empty = spawn(place.empty, ['wait'], { stdio: 'ignore' });
  const idle = spawn('/bin/sleep', ['300'], { stdio: 'ignore' });
  const find = async (pattern) => {
    for (const deadline = performance.now() + 20_000; performance.now() < deadline; await sleep(50)) {
      const found = spawnSync('pgrep', ['-n', '-f', pattern]).stdout.toString().trim();
      if (found) return Number(found);
    }
    throw new Failure(`no process like ${pattern}`);
  };
  const pids = {
    empty: empty.pid,
    'again, waiting for a run': await find(`${place.again} --name going`),
    'again, waiting for a timer': await find(`${place.again} --name timer`),
    python: await find(`python3 ${place.peer}`),
    sleep: idle.pid,
  };
  return {
    pids,
    end() {
      cancelAll(place);
      for (const pid of [pids.python, empty.pid, idle.pid, going.child.pid]) process.kill(pid, 'SIGKILL');
    },
  };
}

function drawTable(rows) {
  const last = existsSync(results) ? readFileSync(results, 'utf8') : '';
  const lines = rows.map(({ figure, what, value, ratio, budget }) => {
    const shown = Number.isNaN(ratio) ? '' : ratio.toFixed(2);
    const before = Number(
      new RegExp(`^\\| ${literal(figure)} \\| ${literal(what)} \\|[^|]*\\| ([\\d.]+) \\|`, 'm').exec(
        last,
      )?.[1],
    );
    const moved = before && Math.abs(ratio / before - 1) > 0.15 ? `was ${before}` : '';
    return `| ${figure} | ${what} | ${value} | ${shown} | ${budget} | ${moved} |`;
  });
  return [
    '| figure | what | measured | ratio | budget | moved |',
    '| --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}

function literal(text) {
  return text.replaceAll(/[^\w ]/g, '\\$&');
}

function page(table) {
  const today = new Date().toISOString().slice(0, 10);
  return `# Benchmarks

Made by \`npm run bench\` on ${today}: ${cpus().length} cores of ${cpus()[0]?.model ?? 'an unknown processor'}, Linux, Node ${process.version}.
Milliseconds are this machine's; ratios are what to compare. They are against the first row of each figure, for the time between runs
against the start of Ruby. *moved* names what changed by more than 15 % since the table before.

${table}
`;
}
