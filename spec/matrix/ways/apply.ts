import { expectOneRerun } from '../expect-one-rerun.ts';
import { USER } from '../installation.ts';
import type { Way } from './way.ts';

export const applyAsRoot: Way = {
  title: '`puppet apply` as root',
  fast: true,
  async run(cell) {
    cell.site();
    const argv = [cell.generation.puppet.command, 'apply', '--color=false', 'site.pp'];
    const { stdout } = await cell.box.exec(argv, { cwd: cell.path(), env: cell.marker });
    await expectOneRerun(cell, { output: stdout, command: 'apply' });
  },
};

export const applyAsUser: Way = {
  title: '`puppet apply` as an ordinary user, with their own `--vardir` and base folder',
  async run(cell) {
    const home = `/home/${USER}`;
    const { command, codedir } = cell.generation.puppet;
    const words = [
      ...[command, 'apply', '--color=false', `--vardir=${home}/var`],
      ...[`--modulepath=${codedir}/environments/production/modules`, cell.site()],
    ];
    // Some of Puppet's folders don't follow --vardir: they are there since his first run.
    await cell.box.exec(['su', '-l', USER, '-c', `${command} apply -e ''`]);
    const env = `FACTER_puppet_vardirtmp=${home}/base MARKER='${cell.marker.MARKER}'`;
    const { stdout } = await cell.box.exec(['su', '-l', USER, '-c', `${env} ${words.join(' ')}`]);
    await expectOneRerun(cell, {
      output: stdout,
      command: 'apply',
      user: USER,
      again: `${home}/base/common/again`,
    });
  },
};
