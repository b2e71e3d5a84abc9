// The cost of a process that waits: private dirty memory after five seconds, CPU time over two minutes.

import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeWorld, must, runStub, startStub } from '../place.mjs';
import { cpuOf, sleepsOf } from '../processes.mjs';
import { until } from '../until.mjs';

const seconds = 120;

export async function measureWaiter(place) {
  const waiters = await startWaiters(place);
  try {
    await sleep(5000);
    // Pages of an executable that has just been delivered count as the process's own until they are on the disk.
    must(['sync']);
    const memory = memoryRows(waiters.pids);
    return [...memory, ...(await cpuRows(waiters.pids))];
  } finally {
    waiters.end();
  }
}

function memoryRows(pids) {
  const dirty = Object.entries(pids).map(([what, pid]) => {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return { what, kilobytes: Number(/Private_Dirty: +(\d+)/.exec(rollup)[1]) };
  });
  const base = dirty.find(({ what }) => what === 'an empty program').kilobytes;
  return dirty.map(({ what, kilobytes }) => ({
    figure: 'private dirty memory of a waiter',
    what,
    value: `${kilobytes} kB`,
    ratio: kilobytes / base,
    uncertainty: 0.02, // a page of V8's is 256 kB, and a run may need one more or less
    budget: what.startsWith('again') ? '<= 1.2' : '',
  }));
}

async function cpuRows(pids) {
  const look = () =>
    Object.entries(pids).map(([what, pid]) => ({ what, cpu: cpuOf(pid), sleeps: sleepsOf(pid) }));
  const before = look();
  await sleep(seconds * 1000);
  return look().map(({ what, cpu, sleeps }, index) => {
    const share = (cpu - before[index].cpu) / (seconds * 10);
    const perMinute = ((sleeps - before[index].sleeps) * 60) / seconds;
    return {
      figure: 'CPU of a waiter',
      what,
      value: `${share.toFixed(2)} % of a core, ${perMinute.toFixed(1)} wake-ups a minute`,
      ratio: Number.NaN,
      budget: budgets[what] ?? '',
    };
  });
}

const budgets = {
  'again, waiting for a run': '<= 0.3 % of a core',
  'again, waiting for a timer': '<= 10 wake-ups a minute',
};

/**
 * One of each that waits: for the end of a run, for a timer after the run of a stub and after a real run of Puppet, and the peers. At the end
 * of a real run a waiter has read more than after a stub.
 */
async function startWaiters(place) {
  const world = makeWorld(place, 'waiter');
  const body = `common::again::delta { 'real': delta => 600 }
exec { '/bin/true': notify => Common::Again::Delta['real'] }`;
  must(world.manifest('real', body));

  const [notify, python] = [place.notify, place.python].map((words) => words.join(' '));
  const going = startStub(
    place,
    'going',
    `system('${notify} --name going > /dev/null'); system('${python} > /dev/null'); note('waiting'); sleep 300`,
  );
  runStub(place, 'timer', `system('${notify} --name timer --delta 600 > /dev/null')`);
  const empty = spawn(place.empty, ['wait'], { stdio: 'ignore' });
  // Until then there is a Python that only starts another one.
  await until('the peers beside a run', () => readFileSync(going.journal, 'utf8').includes('waiting'));
  const idle = spawn('/bin/sleep', ['300'], { stdio: 'ignore' });
  const pids = {
    'an empty program': empty.pid,
    'again, waiting for a run': await find(`${place.again} --name going`),
    'again, waiting for a timer': await find(`${place.again} --name timer`),
    'again, waiting for a timer after a real run': world.record().waiter.pid,
    'Python script': await find(python),
    sleep: idle.pid,
  };
  return {
    pids,
    end() {
      place.cancelAll();
      must([join(world.again, 'again'), 'cancel', '--all']);
      going.end();
      for (const pid of [pids['Python script'], empty.pid, idle.pid]) process.kill(pid, 'SIGKILL');
    },
  };
}

function find(pattern) {
  return until(`a process like ${pattern}`, () =>
    Number(spawnSync('pgrep', ['-n', '-f', `^${pattern}`], { encoding: 'utf8' }).stdout),
  );
}
