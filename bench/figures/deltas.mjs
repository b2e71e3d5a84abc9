// Many deltas that one run of the real Puppet notifies: what they cost that run, and what becomes of them.

import { writePicture } from '../draw/page.ts';
import { makeWorld, must, timesOfEmpty } from '../place.mjs';
import { statOf } from '../processes.mjs';
import { median } from '../statistics.mjs';
import { until } from '../until.mjs';
import { drawGrowth } from './growth.mjs';

const counts = [1, 10, 25, 50, 100];
const rounds = 3;

export async function measureDeltas(place) {
  const world = makeWorld(place, 'deltas');
  must(world.manifest('deliver', ''));
  const points = [];
  for (const count of counts) {
    const found = [];
    for (let round = 0; round < rounds; round += 1) found.push(await one(world, count));
    const [seconds, naught] = ['seconds', 'naught'].map((key) => median(found.map((one) => one[key])));
    points.push({ count, seconds, naught, ...found.at(-1).outcome });
  }
  const last = points.at(-1);
  const figure = `${last.count} deltas of different names notified in one run`;
  const empty = median(timesOfEmpty(place)) / 1000;
  const unit = last.count * empty;
  // What one notification may take: see exec.mjs.
  const budget = 1.15 * empty;
  plot(points, budget);
  return {
    section: '![Time that deltas add to the run that notifies them](bench-deltas.svg)',
    rows: [
      { figure, what: 'reruns', value: String(last.reruns), ratio: Number.NaN, budget: '1' },
      { figure, what: 'waiters', value: String(last.waiters), ratio: Number.NaN, budget: '1' },
      {
        figure,
        what: 'as many empty programs, one after the other',
        value: `${unit.toFixed(2)} s`,
        ratio: 1,
        budget: '',
      },
      {
        figure,
        what: 'added to a run whose notifications start programs that do nothing',
        value: `${last.seconds.toFixed(2)} s`,
        ratio: last.seconds / unit,
        uncertainty: 0.1,
        budget: `<= ${(last.count * budget).toFixed(2)} s (${last.count} x the budget of one)`,
      },
      {
        figure,
        what: 'what those programs add to a run that notifies nobody',
        value: `${last.naught.toFixed(2)} s`,
        ratio: last.naught / unit,
        uncertainty: 0.1,
        budget: '',
      },
    ],
  };
}

function plot(points, budget) {
  const series = [
    {
      label: 'added to the run',
      colour: '#1f77b4',
      points: points.map(({ count, seconds }) => [count, seconds]),
    },
    {
      label: 'the budget of one, as often',
      colour: '#bbb',
      points: counts.map((count) => [count, count * budget]),
    },
  ];
  const title = 'Deltas of different names, notified in one run of puppet apply';
  writePicture('bench-deltas', drawGrowth({ title, xLabel: 'deltas', yLabel: 'seconds', series }));
}

/** A run with so many deltas, all notified, beside one whose notifications start programs that do nothing, and one that notifies nobody. */
async function one(world, count) {
  const deltas = (target, name, cause) => `
Integer[1, ${count}].each |$n| {
  common::again::delta { "delta-\${n}": delta => 2 }
  exec { "naught-\${n}": command => '/bin/true', refreshonly => true }
  exec { "cause-\${n}": command => '/bin/true', onlyif => '/bin/sh -c "${cause}"', notify => ${target}["${name}-\${n}"] }
}`;
  const quiet = applied(must(world.manifest(`quiet-${count}`, deltas('Exec', 'naught', 'false'))));
  const idle = applied(must(world.manifest(`idle-${count}`, deltas('Exec', 'naught', 'true'))));
  // The rerun notifies nothing: the cause is gone by then.
  const marker = `${world.world}/cause`;
  const before = world.state('history').length;
  must(['touch', marker]);
  const output = must(
    world.manifest(
      `loud-${count}`,
      `${deltas('Common::Again::Delta', 'delta', `test -e ${marker}`)}\nexec { '/bin/rm ${marker}': onlyif => '/usr/bin/test -e ${marker}', require => Exec["cause-${count}"] }`,
    ),
  );
  const waiters = [...new Set(output.matchAll(/waiter pid (\d+)/g).map(([, pid]) => pid))];
  // The rerun, too, is to end: it would take the next round's cause.
  await until('the end of the rerun of the deltas', () => !waiters.some(statOf));
  const reruns = world.state('history').length - before;
  const loud = applied(output);
  return { seconds: loud - idle, naught: idle - quiet, outcome: { reruns, waiters: waiters.length } };
}

/** What Puppet says of its run, in seconds. */
function applied(output) {
  return Number(/Applied catalog in ([\d.]+) seconds/.exec(output)[1]);
}
