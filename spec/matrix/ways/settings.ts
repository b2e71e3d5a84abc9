import { expect } from 'vitest';
import type { Past } from '../../../src/cli/history.ts';
import { leftIn } from '../../support/container/what-is-left.ts';
import { outputOf } from '../../support/machine/world.ts';
import { AGAIN, type Cell } from '../cell.ts';
import type { Way } from './way.ts';

const UNIT = 'own-run';

export const unitItself: Way = {
  title: '`rerun: unit`: a oneshot unit on a timer, which is started again',
  async run(cell) {
    await serve(cell, "rerun => 'unit'");
    cell.box.writeFile(
      `/etc/systemd/system/${UNIT}.service`,
      `[Service]\nType=oneshot\nExecStart=${command(cell)}\n`,
    );
    cell.box.writeFile(`/etc/systemd/system/${UNIT}.timer`, '[Timer]\nOnActiveSec=100ms\nAccuracySec=10ms\n');
    await cell.at.sh(`systemctl daemon-reload && systemctl restart ${UNIT}.timer`);
    const [first, rerun] = await twoRuns(cell);
    expect(rerun?.run.pid).not.toBe(first?.run.pid);
    expect(rerun?.run.cgroup).toBe(first?.run.cgroup);
    expect(rerun?.run.cgroup).toMatch(new RegExp(`/${UNIT}\\.service$`, 'm'));
    const said = await cell.journal(`_SYSTEMD_UNIT=${UNIT}.service`, '_TRANSPORT=stdout');
    expect(said).toMatch(new RegExp(`Will start ${UNIT}\\.service again .*output as that unit has it`));
    expect(await newest(cell)).toMatchObject({
      unit: `${UNIT}.service`,
      result: 'changed',
      unitResult: 'success',
      exitCode: 0,
    });
  },
};

export const outputInJournal: Way = {
  title: '`logdest: journal`: the output of the rerun in the journal',
  async run(cell) {
    await serve(cell, "logdest => 'journal'");
    const { stdout } = await cell.box.exec(command(cell).split(' '), { check: false });
    const [line = ''] = outputOf(stdout, 'again');
    const waiter = Number(/waiter pid (\d+), output to the journal/.exec(line)?.[1]);
    const [, rerun] = await twoRuns(cell);
    expect(rerun?.run.pid, line).toBe(waiter);
    await cell.at.sh('journalctl --sync');
    expect(await cell.journal('-t puppet-again', `_PID=${waiter}`)).toMatch(/Applied catalog in/);
    expect(await newest(cell)).toMatchObject({ pid: waiter, result: 'changed', journal: expect.any(String) });
  },
};

const command = (cell: Cell) =>
  `${cell.generation.puppet.command} agent --onetime --no-daemonize --verbose --color=false`;

/** Serves the usual manifest, with a parameter of the class. */
async function serve(cell: Cell, parameter: string): Promise<void> {
  await cell.at.serve(`class { 'common::again': ${parameter} }\n${cell.manifest()}`);
}

async function twoRuns(cell: Cell) {
  const quiet = async () => (await cell.runs()).length >= 2 && (await leftIn(cell.box, AGAIN)).length === 0;
  await cell.until('the rerun, and then quiet', quiet);
  const runs = await cell.runs();
  expect(runs).toHaveLength(2);
  return runs;
}

async function newest(cell: Cell): Promise<Past | undefined> {
  const { stdout } = await cell.box.exec([`${AGAIN}/again`, 'history', '--json', '-n', '1']);
  return (JSON.parse(stdout) as Past[])[0];
}
