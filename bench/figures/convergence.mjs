// A manifest that converges in eight runs of the real Puppet: by `again`, in the background and in front of people, and started over and over by a shell.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../scripts/project.mjs';
import { makeWorld, must } from '../place.mjs';
import { statOf } from '../processes.mjs';
import { mean, meanDifference } from '../statistics.mjs';
import { until } from '../until.mjs';

const passes = 8;
const rounds = 9;

/** The line that a pass leaves which notifies. */
const LINE = 'pass\n';

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
  writeFileSync(count, LINE.repeat(passes - 1));
  const loop = world.manifest('loop', body('naught'));
  const chain = world.manifest('chain', body('again'));
  must(loop);
  const times = { loop: [], chain: [], foreground: [] };
  const ways = {
    loop: () => must(['/bin/sh', '-c', `for pass in $(seq ${passes}); do ${loop.join(' ')} || exit; done`]),
    chain: async () => {
      const before = world.state('history').length;
      must(chain);
      await converged(world, before);
    },
    foreground: () => must([join(world.again, 'again'), 'run', '--', ...chain]),
  };
  for (let round = 0; round < rounds; round += 1) {
    // Each goes first, in the middle and last: what gets slower or faster meanwhile does so for all.
    const turns = Object.keys(ways);
    for (const turn of turns.keys()) {
      const way = turns[(turn + round) % turns.length];
      times[way].push(await timed(count, ways[way]));
      if (readFileSync(count, 'utf8').length !== LINE.length * (passes - 1))
        throw new Failure(`${way}: the manifest has not had its ${passes} runs`);
    }
  }
  const base = mean(times.loop);
  const shown = {
    'a shell loop': times.loop,
    again: times.chain,
    '`again run`, in the foreground': times.foreground,
  };
  return Object.entries(shown).map(([what, found]) => {
    // Round by round: a machine that gets slower or faster meanwhile does so for all.
    const more = meanDifference(found, times.loop);
    return {
      figure: `convergence of a manifest in ${passes} runs`,
      what,
      value: `${(mean(found) / 1000).toFixed(1)} s`,
      ratio: 1 + more.value / base,
      uncertainty: more.error / base,
      budget: what === 'a shell loop' ? '' : '<= 1.03',
    };
  });
}

async function timed(count, work) {
  writeFileSync(count, '');
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/**
 * Waits for the end of a chain's last run. Looks rarely: the measured runs go at the same time, and take many seconds.
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
