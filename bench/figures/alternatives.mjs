// The alternatives to this module, beside it, by the real Puppet: how many runs it takes, how many of them go beside another one, what they cost, and who is left behind.

import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture, Failure, findProgram, root } from '../../scripts/project.mjs';
import { makeWorld, must } from '../place.mjs';
import { until } from '../until.mjs';

/** Runs that each node needs. */
const needs = [1, 2, 3, 4];
/** Runs an hour of a node on which nothing is to do. */
const hourly = {
  'the next run in half an hour': 2,
  'a timer each five minutes': 12,
  'a timer each minute': 60,
};

export async function measureAlternatives(place) {
  const world = makeWorld(place, 'alternatives');
  const count = join(world.world, 'count');
  const meter = join(world.world, 'meter');
  Object.assign(process.env, { METER: meter, RUBYOPT: `-r${join(root, 'bench/peers/meter.rb')}` });
  if (!findProgram('atd')) throw new Failure('needs atd(8): the package at');
  const daemon = spawn('atd', ['-f'], { stdio: 'inherit' });
  try {
    const node = (need, notified) => `
exec { 'step':
  command  => 'echo step >> ${count}',
  unless   => 'test $(wc -l < ${count}) -ge ${need}',
  provider => 'shell',
}
-> exec { 'more':
  command  => 'true',
  onlyif   => 'test $(wc -l < ${count}) -lt ${need}',
  provider => 'shell',
  notify   => Exec['${notified}'],
}`;
    const quiet = () => {
      const lines = readFileSync(meter, 'utf8');
      return lines.match(/^start /gm)?.length === lines.match(/^end /gm)?.length;
    };
    const inShell = (script) => must(['/bin/sh', '-c', script]);
    const ways = {
      again: (need) => {
        must(world.manifest('again', node(need, 'again')));
        must([join(world.again, 'again'), 'wait']);
      },
      '`again run`': (need) =>
        must([join(world.again, 'again'), 'run', '--', ...world.manifest('again', node(need, 'again'))]),
      'twice, in a script': (need) => {
        const words = world.manifest('naught', naught + node(need, 'naught')).join(' ');
        inShell(`${words} && ${words}`);
      },
      'until it changes nothing (`--detailed-exitcodes` says 0)': (need) =>
        inShell(
          `until ${world.manifest('naught', naught + node(need, 'naught')).join(' ')} --detailed-exitcodes; do [ $? = 2 ] || exit 1; done`,
        ),
      '`at now`, by an Exec': async (need) => {
        const words = world.manifest('at', '');
        world.manifest('at', atNow(words) + node(need, 'at'));
        must(words);
        await until('the end of all jobs', () => capture('atq', []) === '' && quiet());
      },
    };
    must(world.manifest('naught', naught));
    const found = {};
    for (const [way, take] of Object.entries(ways)) {
      found[way] = { runs: 0, beside: 0, cpu: 0, left: 0 };
      for (const need of needs) {
        writeFileSync(count, '');
        writeFileSync(meter, '');
        await take(need);
        add(found[way], readMeter(meter), readFileSync(count, 'utf8') !== 'step\n'.repeat(need));
      }
    }
    writeFileSync(meter, '');
    must(world.manifest('naught', naught));
    const idle = readMeter(meter)[0].cpu;
    return [...rowsOf(found), ...hourlyRows(idle)];
  } finally {
    daemon.kill();
    delete process.env.METER;
    delete process.env.RUBYOPT;
  }
}

const naught = "exec { 'naught': command => '/bin/true', refreshonly => true }\n";

const atNow = (words) => `
exec { 'at':
  command     => 'echo "${words.join(' ')}" | at -M now',
  provider    => 'shell',
  refreshonly => true,
}`;

/** Each run: when it started and ended, in seconds, and its CPU. */
function readMeter(meter) {
  const runs = new Map();
  for (const line of readFileSync(meter, 'utf8').trim().split('\n')) {
    const [event, pid, time, cpu] = line.split(' ');
    // A rerun has the process of its waiter, never that of a run.
    const run = runs.get(pid) ?? { start: Number(time) };
    runs.set(pid, event === 'end' ? { ...run, end: Number(time), cpu: Number(cpu) } : run);
  }
  return [...runs.values()];
}

function add(sum, runs, isLeft) {
  sum.runs += runs.length;
  sum.beside += runs.filter((run) =>
    runs.some((other) => other.start < run.start && run.start < other.end),
  ).length;
  sum.cpu += runs.reduce((cpu, run) => cpu + run.cpu, 0);
  sum.left += isLeft ? 1 : 0;
}

function rowsOf(found) {
  return Object.entries(found).map(([what, { runs, beside, cpu, left }]) => ({
    figure: `nodes that need ${needs.slice(0, -1).join(', ')} and ${needs.at(-1)} runs`,
    what,
    value: `${runs} runs, ${beside} of them beside another one; ${left} nodes left behind; ${cpu.toFixed(1)} s of Puppet's CPU`,
    ratio: cpu / found.again.cpu,
    budget: what.includes('again') ? '<= 10 runs, none beside another one, none left behind' : '',
  }));
}

function hourlyRows(cpu) {
  const figure = 'an hour in which nothing is to do';
  const one = (what, runs) => ({
    figure,
    what,
    value: `${runs} runs more, ${(runs * cpu).toFixed(0)} s of CPU`,
    ratio: Number.NaN,
    budget: '',
  });
  return [one('again', 0), ...Object.entries(hourly).map(([what, runs]) => one(what, runs))];
}
