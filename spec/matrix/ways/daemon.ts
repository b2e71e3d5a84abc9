import { expect } from 'vitest';
import { pendingIn } from '../../support/container/what-is-left.ts';
import { AGAIN, type Cell, later } from '../cell.ts';
import { type Expected, expectOneRerun } from '../expect-one-rerun.ts';
import type { Way } from './way.ts';

export const service: Way = {
  title: "the distribution's own service, a daemon",
  fast: true,
  async run(cell) {
    await cell.at.serve(cell.manifest());
    await startService(cell);
    await cell.until('the rerun', async () => (await cell.runs()).length === 2);
    await expectOneRerun(cell, await ofService(cell));
    await cell.at.sh('systemctl is-active puppet');
  },
};

export const reload: Way = {
  title: 'the same, with `systemctl reload puppet` while the rerun is pending',
  cannot: ({ puppet }) =>
    puppet.reloads ? undefined : 'its unit has no `ExecReload=`: `systemctl reload` is refused by systemd',
  async run(cell) {
    await cell.at.serve(cell.manifest(...later(30)));
    await startService(cell);
    await cell.until('a pending rerun', () => pendingIn(cell.box, AGAIN).length === 1);
    await cell.until('the end of the run', async () => /Applied catalog in/.test(await said(cell)));
    await cell.at.sh('systemctl reload puppet');
    // The daemon executes itself again and begins with a run, which is too early to satisfy what is pending.
    await cell.until('the run that follows the reload', async () => (await cell.runs()).length === 2);
    expect(pendingIn(cell.box, AGAIN), 'the machine is too slow for this cell').toHaveLength(1);
    await cell.until('the rerun', async () => (await cell.runs()).length === 3);
    await expectOneRerun(cell, { ...(await ofService(cell)), exec: 'again-delta-later', others: 1 });
  },
};

export const byHand: Way = {
  title: 'a daemon started by hand: `puppet agent`',
  async run(cell) {
    await cell.at.serve(cell.manifest());
    await cell.box.exec([cell.generation.puppet.command, 'agent'], { env: cell.marker });
    await cell.until('the rerun', async () => (await cell.runs()).length === 2);
    const { run } = await expectOneRerun(cell, { output: await said(cell), command: 'agent', daemon: true });
    expect(cell.box.exists(`/proc/${run.pid}`), 'the daemon').toBe(true);
  },
};

const TITLE = 'puppet agent: applying configuration';
const TRANSLATED = 'Puppet-Agent: die Konfiguration wird angewandt';

export const translated: Way = {
  title: 'a daemon whose title is translated, by an installed catalogue of messages',
  async run(cell) {
    await cell.at.serve(cell.manifest());
    await installCatalogue(cell);
    const env = { ...cell.marker, LANG: 'de_DE.UTF-8' };
    await cell.box.exec([cell.generation.puppet.command, 'agent'], { env });
    await cell.until('the rerun', async () => (await cell.runs()).length === 2);
    const [first] = await cell.runs();
    expect(first?.run.cmdline.toString()).toContain(TRANSLATED);
    await expectOneRerun(cell, { output: await said(cell), command: 'agent', daemon: true });
  },
};

/** As the vendor's packages have it: beside the English one, for German. */
async function installCatalogue(cell: Cell): Promise<void> {
  const { locales } = cell.generation.puppet;
  const folder = (await cell.at.sh(`echo ${locales}`)).trim();
  const source = `${folder}/de/puppet.po`;
  const header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n';
  cell.box.writeFile(source, `${header}\nmsgid "${TITLE}"\nmsgstr "${TRANSLATED}"\n`);
  // Where the distribution has its catalogues, Puppet reads the compiled ones.
  const compiled = `${folder}/de/LC_MESSAGES/puppet.mo`;
  await cell.at.sh(`mkdir -p ${folder}/de/LC_MESSAGES && rmsgfmt ${source} -o ${compiled}`);
}

/** Starts the packaged unit, with the marker in its environment. */
async function startService(cell: Cell): Promise<void> {
  const dropIn = `[Service]\nEnvironment="MARKER=${cell.marker.MARKER}"\n`;
  cell.box.writeFile('/etc/systemd/system/puppet.service.d/marker.conf', dropIn);
  await cell.at.sh('systemctl daemon-reload && systemctl start puppet');
}

/** The expectations of the rerun of a run of the packaged unit. */
async function ofService(cell: Cell): Promise<Expected> {
  const scope = /^\/system\.slice\/again-[\w-]+\.scope$/;
  const { unitKeepsProcesses } = cell.generation.puppet;
  const expected = { output: await said(cell), command: 'agent', daemon: true } as const;
  return unitKeepsProcesses ? expected : { ...expected, group: scope };
}

/** The output of agents that have no terminal, since the cell began. */
function said(cell: Cell): Promise<string> {
  return cell.journal('--identifier=puppet-agent');
}
