// Many deltas that one run of the real Puppet notifies: what they cost that run, and what becomes of them.

import { writePicture } from '../draw/page.ts';
import { makeWorld, must } from '../place.mjs';
import { statOf } from '../processes.mjs';
import { median, uncertainty } from '../statistics.mjs';
import { until } from '../until.mjs';
import { budgetOfOne } from './exec.mjs';
import { drawGrowth } from './growth.mjs';

const counts = [1, 10, 25, 50, 100];
/** Of each count, and of the last one, which the table shows. */
const rounds = 3;
const lastRounds = 5;

export async function measureDeltas(place) {
  const world = makeWorld(place, 'deltas');
  must(world.manifest('deliver', ''));
  const points = [];
  for (const count of counts) {
    const found = [];
    const enough = count === counts.at(-1) ? lastRounds : rounds;
    while (found.length < enough) found.push(await one(place, world, count));
    points.push({ count, found });
  }
  plot(points);
  return {
    section: '![Time that deltas add to the run that notifies them](bench-deltas.svg)',
    rows: rowsOf(points.at(-1)),
  };
}

function rowsOf({ count, found }) {
  const figure = `${count} deltas of different names notified in one run`;
  const all = (key) => found.map((one) => one[key]);
  const unit = median(all('empty'));
  const seconds = (what, key, budget = '') => ({
    figure,
    what,
    value: `${median(all(key)).toFixed(2)} s`,
    ratio: median(all(key)) / unit,
    uncertainty: uncertainty(all(key)),
    budget,
  });
  const number = (what, key, budget) => ({
    figure,
    what,
    value: String(Math.max(...all(key))),
    ratio: Number.NaN,
    budget,
  });
  return [
    number('reruns', 'reruns', '1'),
    number('waiters', 'waiters', '1'),
    seconds('added by as many empty programs, each in place of /bin/true', 'empty'),
    seconds(
      'added by the deltas, each in place of /bin/true',
      'deltas',
      `<= ${(budgetOfOne * unit).toFixed(2)} s (100 x the budget of one)`,
    ),
    seconds('added by /bin/true, as often', 'naught'),
  ];
}

function plot(points) {
  const series = [
    {
      label: 'added to the run',
      colour: '#1f77b4',
      points: points.map(({ count, found }) => [count, median(found.map(({ deltas }) => deltas))]),
    },
    {
      label: 'the budget of one, as often',
      colour: '#bbb',
      points: points.map(({ count, found }) => [
        count,
        budgetOfOne * median(found.map(({ empty }) => empty)),
      ]),
    },
  ];
  const title = 'Deltas of different names, notified in one run of puppet apply';
  writePicture('bench-deltas', drawGrowth({ title, xLabel: 'deltas', yLabel: 'seconds', series }));
}

/**
 * Seconds that so many deltas, all notified, add to a run whose notifications start programs that do nothing; the same of as many empty programs of the
 * same pipeline, since what a busy Puppet starts takes longer than what an idle one does; and what those that do nothing add.
 */
async function one(place, world, count) {
  const body = (target, name, cause) => `
Integer[1, ${count}].each |$n| {
  common::again::delta { "delta-\${n}": delta => 2 }
  exec { "naught-\${n}": command => '/bin/true', refreshonly => true }
  exec { "empty-\${n}": command => '${place.empty}', refreshonly => true }
  exec { "cause-\${n}": command => '/bin/true', onlyif => '/bin/sh -c "${cause}"', notify => ${target}["${name}-\${n}"] }
}`;
  const quiet = applied(must(world.manifest(`quiet-${count}`, body('Exec', 'naught', 'false'))));
  const naught = applied(must(world.manifest(`naught-${count}`, body('Exec', 'naught', 'true'))));
  const empty = applied(must(world.manifest(`empty-${count}`, body('Exec', 'empty', 'true'))));
  // The rerun notifies nothing: the cause is gone by then.
  const marker = `${world.world}/cause`;
  const before = world.state('history').length;
  must(['touch', marker]);
  const output = must(
    world.manifest(
      `loud-${count}`,
      `${body('Common::Again::Delta', 'delta', `test -e ${marker}`)}\nexec { '/bin/rm ${marker}': onlyif => '/usr/bin/test -e ${marker}', require => Exec["cause-${count}"] }`,
    ),
  );
  const waiters = [...new Set(output.matchAll(/waiter pid (\d+)/g).map(([, pid]) => pid))];
  // The rerun, too, is to end: it would take the next round's cause.
  await until('the end of the rerun of the deltas', () => !waiters.some(statOf));
  const reruns = world.state('history').length - before;
  const deltas = applied(output);
  return {
    naught: naught - quiet,
    empty: empty - naught,
    deltas: deltas - naught,
    reruns,
    waiters: waiters.length,
  };
}

/** The time that Puppet reports for its run, in seconds. */
function applied(output) {
  return Number(/Applied catalog in ([\d.]+) seconds/.exec(output)[1]);
}
