// Many looks of one waiter at commands: what they cost it, and what is left of them.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeWorld, must } from '../place.mjs';
import { cpuOf } from '../processes.mjs';
import { until } from '../until.mjs';

/** So many conditions are looked at in each second, one after the other. */
const CONDITIONS = 40;
/** Looks until the waiter has all that it needs for them, and then those that are measured. */
const FIRST = 200;
const LOOKS = 2000;
/** Seconds between two looks at a condition, by default. */
const INTERVAL = 5;

export async function measureLooks(place) {
  const world = makeWorld(place, 'looks');
  const names = Array.from({ length: CONDITIONS }, (_, n) => `when${n}`);
  const whens = names.map(
    (name) =>
      `common::again::when { '${name}': succeeds => ['/bin/sh', '-c', 'exit 1', '${name}'], interval => 1 }`,
  );
  const notify = names.map((name) => `Common::Again::When['${name}']`).join(', ');
  must(world.manifest('looks', `${whens.join('\n')}\nexec { '/bin/true': notify => [${notify}] }`));
  const again = join(world.again, 'again');
  try {
    const { pid } = world.record().waiter;
    const looks = () =>
      JSON.parse(execFileSync(again, ['status', '--json'])).reduce(
        (sum, { condition }) => sum + condition.looks,
        0,
      );
    await until(`${FIRST} looks`, () => looks() >= FIRST, 500);
    const before = { looks: looks(), ...stateOf(pid) };
    await until(`${LOOKS} more looks`, () => looks() >= before.looks + LOOKS, 1000);
    const after = { looks: looks(), ...stateOf(pid) };
    return rows(before, after);
  } finally {
    execFileSync(again, ['cancel', '--all']);
  }
}

function rows(before, after) {
  const figure = `${LOOKS} looks of a waiter at commands`;
  const cpu = (after.cpu - before.cpu) / (after.looks - before.looks);
  const row = (what, value, ratio, budget) => ({ figure, what, value, ratio, budget });
  const grown = (what, key, unit) =>
    row(what, `${before[key]}${unit}, and then ${after[key]}${unit}`, after[key] / before[key], '<= 1.05');
  return [
    grown('private dirty memory', 'memory', ' kB'),
    grown('descriptors', 'descriptors', ''),
    row(
      'processes that it has started',
      `${before.children}, and then ${after.children}`,
      Number.NaN,
      '<= 1',
    ),
    row(
      `CPU of the waiter at an interval of ${INTERVAL} s`,
      `${(cpu / (INTERVAL * 10)).toFixed(2)} % of a core, ${cpu.toFixed(1)} ms a look`,
      Number.NaN,
      '<= 0.5 % of a core',
    ),
  ];
}

/** Kilobytes, numbers, and milliseconds without those of what it has started. */
function stateOf(pid) {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return {
    memory: Number(/Private_Dirty: +(\d+)/.exec(rollup)[1]),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    children: readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).length,
    cpu: cpuOf(pid),
  };
}
