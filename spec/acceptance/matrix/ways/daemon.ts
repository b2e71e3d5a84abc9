import type { Cell } from '../cell.ts';
import { expectOneRerun } from '../expect-one-rerun.ts';
import type { Way } from './way.ts';

export const service: Way = {
  title: "the distribution's own service, a daemon",
  fast: true,
  async run(cell) {
    await cell.at.serve(cell.manifest());
    await startService(cell);
    await cell.until('the rerun', async () => (await cell.runs()).length === 2);
    await expectOneRerun(cell, { output: await said(cell), command: 'agent', daemon: true });
    await cell.at.sh('systemctl is-active puppet');
  },
};

/** Starts the packaged unit, with the marker in its environment. */
export async function startService(cell: Cell): Promise<void> {
  const dropIn = `[Service]\nEnvironment="MARKER=${cell.marker.MARKER}"\n`;
  cell.box.writeFile('/etc/systemd/system/puppet.service.d/marker.conf', dropIn);
  await cell.at.sh('systemctl daemon-reload && systemctl start puppet');
}

/** What agents that have no terminal have said since the cell began. */
export function said(cell: Cell): Promise<string> {
  return cell.journal('--identifier=puppet-agent');
}
