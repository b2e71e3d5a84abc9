import { expectOneRerun } from '../expect-one-rerun.ts';
import type { Way } from './way.ts';

export const agentTest: Way = {
  title: '`puppet agent -t`',
  fast: true,
  async run(cell) {
    await cell.at.serve(cell.manifest());
    const argv = [cell.generation.puppet.command, 'agent', '-t', '--color=false'];
    const { stdout } = await cell.box.exec(argv, { cwd: '/var/tmp', env: cell.marker, check: false });
    await expectOneRerun(cell, { output: stdout, command: 'agent' });
  },
};
