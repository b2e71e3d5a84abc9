// Many looks of one waiter at commands: what they cost it, and what is left of them.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeWorld, must } from '../place.mjs';
import { spentSince, threadsOf } from '../processes.mjs';
import { until } from '../until.mjs';

/** So many conditions are looked at in each second, one after the other. */
const CONDITIONS = 40;
/** Looks until the waiter has all that it needs for them, and then those that are measured. */
const FIRST = 200;
const LOOKS = 2000;
/** Seconds between two looks at a condition, by default, and how many of these are measured. */
const INTERVAL = 5;
const FEW = 20;

export async function measureLooks(place) {
  return [...(await measureMany(place)), await measureOne(place)];
}

/** The traces that many looks leave behind. */
async function measureMany(place) {
  const names = Array.from({ length: CONDITIONS }, (_, n) => `when${n}`);
  return lookAt(place, 'looks', names, 'interval => 1', async (pid, looks) => {
    await until(`${FIRST} looks`, () => looks() >= FIRST, 500);
    // Until they are on the disk, the pages of an executable that was just put there count as dirty.
    execFileSync('sync');
    const before = { looks: looks(), ...stateOf(pid) };
    await until(`${LOOKS} more looks`, () => looks() >= before.looks + LOOKS, 1000);
    return rows(before, stateOf(pid));
  });
}

/** The cost of one condition that is looked at as often as by default. */
async function measureOne(place) {
  return lookAt(place, 'one-look', ['when'], '', async (pid, looks) => {
    await until('two looks', () => looks() >= 2, 100);
    const [first, begin, before] = [looks(), performance.now(), threadsOf(pid)];
    await until(`${FEW} more looks`, () => looks() >= first + FEW, 100);
    const cpu = spentSince(before, threadsOf(pid));
    const time = performance.now() - begin;
    return {
      figure: `${FEW} looks of a waiter at one command, one in ${INTERVAL} s`,
      what: 'CPU of the waiter, without that of the command',
      value: `${((cpu / time) * 100).toFixed(2)} % of a core, ${(cpu / FEW).toFixed(1)} ms a look`,
      ratio: Number.NaN,
      budget: '<= 0.5 % of a core',
    };
  });
}

/** Has a waiter look at a command that fails, by so many names. */
async function lookAt(place, title, names, parameters, measure) {
  const world = makeWorld(place, title);
  const whens = names.map(
    (name) =>
      `common::again::when { '${name}': succeeds => ['/bin/sh', '-c', 'exit 1', '${name}'], ${parameters} }`,
  );
  const notify = names.map((name) => `Common::Again::When['${name}']`).join(', ');
  must(world.manifest(title, `${whens.join('\n')}\nexec { '/bin/true': notify => [${notify}] }`));
  const again = join(world.again, 'again');
  const looks = () =>
    JSON.parse(execFileSync(again, ['status', '--json'])).reduce(
      (sum, { condition }) => sum + condition.looks,
      0,
    );
  try {
    return await measure(world.record().waiter.pid, looks);
  } finally {
    execFileSync(again, ['cancel', '--all']);
  }
}

function rows(before, after) {
  const figure = `${LOOKS} looks of a waiter at commands`;
  const row = (what, value, ratio, budget) => ({ figure, what, value, ratio, budget });
  const grown = (what, key, unit) =>
    row(what, `${before[key]}${unit}, and then ${after[key]}${unit}`, after[key] / before[key], '<= 1.05');
  return [
    grown('resident memory', 'resident', ' kB'),
    grown('private dirty memory', 'dirty', ' kB'),
    grown('descriptors', 'descriptors', ''),
    row(
      'processes that it has started',
      `${before.children}, and then ${after.children}`,
      Number.NaN,
      '<= 1',
    ),
  ];
}

/** Kilobytes and numbers. */
function stateOf(pid) {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return {
    resident: Number(/Rss: +(\d+)/.exec(rollup)[1]),
    dirty: Number(/Private_Dirty: +(\d+)/.exec(rollup)[1]),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    children: readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).length,
  };
}
