// The time that a scope of systemd adds to the Exec: the same notifications in a unit that kills what it leaves behind, and in one that does not.

import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { boot } from '../../spec/support/container/container.ts';
import { median, uncertainty } from '../statistics.mjs';
import { scriptOf, timesOf } from './exec.mjs';

const rounds = 20;
const folder = '/opt/bench';

/** Units of systemd that a timer would start, by what is said of them. */
const units = {
  'first notification, in a unit with KillMode=process': { killMode: 'process', budget: '' },
  'the same with KillMode=control-group: in a scope': { killMode: 'control-group', budget: '<= 2.5' },
};

export async function measureScope(place) {
  const box = await boot({ system: 'host' });
  try {
    for (const [from, name] of [
      ...['again', 'notify', 'deliver', 'again.json'].map((file) => [
        join(place.home, file),
        `again/${file}`,
      ]),
      [place.empty, 'empty'],
      [place.puppet, 'puppet'],
    ])
      cpSync(from, box.hostPath(`${folder}/${name}`));
    const inBox = { again: `${folder}/again/again`, python: ['nothing-like-this'] };
    const commands = {
      empty: [`${folder}/empty`],
      first: ['/bin/sh', `${folder}/again/notify`, '--name', 'bench'],
    };
    box.writeFile(`${folder}/exec.rb`, scriptOf(inBox, commands, rounds));
    const rows = [];
    for (const [what, unit] of Object.entries(units)) rows.push(await measure(box, what, unit));
    return rows;
  } finally {
    await box.powerOff();
  }
}

async function measure(box, what, { killMode, budget }) {
  const { stdout } = await box.exec(
    [
      ...['systemd-run', '--quiet', '--wait', '--pipe', '--collect', '--service-type=oneshot'],
      ...[`--property=KillMode=${killMode}`, `--setenv=BENCH_JOURNAL=${folder}/journal`],
      ...[`${folder}/puppet`, 'apply', `${folder}/exec.rb`],
    ],
    { timeoutMs: 300_000 },
  );
  const times = timesOf(stdout);
  const [base, found] = ['empty', 'first'].map((name) => median(times.get(name)));
  return {
    figure: 'time inside the Exec, in a booted container',
    what,
    value: `${found.toFixed(1)} ms (an empty program: ${base.toFixed(1)} ms)`,
    ratio: found / base,
    uncertainty: uncertainty(times.get('first')),
    budget,
  };
}
