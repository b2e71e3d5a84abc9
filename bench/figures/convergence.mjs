// A manifest that converges in eight runs of the real Puppet: by `again`, and started over and over by a shell.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeWorld, must } from '../place.mjs';
import { statOf } from '../processes.mjs';
import { median, uncertainty } from '../statistics.mjs';
import { until } from '../until.mjs';

const passes = 8;
const rounds = 8;

export async function measureConvergence(place) {
  const world = makeWorld(place, 'convergence');
  const count = join(world.world, 'passes');
  // Each pass but the last leaves a line and notifies; the peer's notification starts a program that does nothing.
  const body = (notified) => `
exec { 'naught': command => '/bin/true', refreshonly => true }
exec { 'pass':
  command => "/bin/sh -c 'echo pass >> ${count}'",
  unless  => "/bin/sh -c 'test $(wc -l < ${count}) -ge ${passes - 1}'",
  notify  => Exec['${notified}'],
}`;
  writeFileSync(count, 'pass\n'.repeat(passes - 1));
  const loop = world.manifest('loop', body('naught'));
  const chain = world.manifest('chain', body('again'));
  must(loop);
  const times = { loop: [], chain: [] };
  const ways = {
    loop: () => must(['/bin/sh', '-c', `for pass in $(seq ${passes}); do ${loop.join(' ')} || exit; done`]),
    chain: async () => {
      const before = world.state('history').length;
      must(chain);
      await converged(world, before);
    },
  };
  for (let round = 0; round < rounds; round += 1) {
    // One goes first, then the other: what gets slower or faster meanwhile does so for both.
    const turns = Object.keys(ways);
    for (const way of round % 2 ? turns.reverse() : turns) times[way].push(await timed(count, ways[way]));
  }
  const base = median(times.loop);
  return Object.entries({ 'a shell loop': times.loop, again: times.chain }).map(([what, found]) => ({
    figure: `convergence of a manifest in ${passes} runs`,
    what,
    value: `${(median(found) / 1000).toFixed(1)} s`,
    ratio: median(found) / base,
    uncertainty: uncertainty(found),
    budget: what === 'again' ? '<= 1.03' : '',
  }));
}

async function timed(count, work) {
  writeFileSync(count, '');
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/**
 * Waits for the end of a chain's last run. Looks rarely: what is measured goes on meanwhile, and takes many seconds.
 *
 * @param before number of past reruns before the chain began
 */
async function converged(world, before) {
  const isOver = () =>
    world.state('history').length === before + passes - 1 &&
    !world.record() &&
    !statOf(world.lastRerun()?.pid);
  await until('the end of the chain', isOver, 50);
}
