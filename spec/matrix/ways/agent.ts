import { expect } from 'vitest';
import { pendingIn } from '../../support/container/what-is-left.ts';
import { AGAIN, type Cell, later } from '../cell.ts';
import { expectOneRerun } from '../expect-one-rerun.ts';
import { NAME } from '../generations.ts';
import { USER } from '../installation.ts';
import type { Way } from './way.ts';

const test = (cell: Cell) => [cell.generation.puppet.command, 'agent', '-t', '--color=false'];

export const agentTest: Way = {
  title: '`puppet agent -t`',
  fast: true,
  async run(cell) {
    await cell.at.serve(cell.manifest());
    const { stdout } = await cell.box.exec(test(cell), { cwd: '/var/tmp', env: cell.marker, check: false });
    await expectOneRerun(cell, { output: stdout, command: 'agent' });
  },
};

export const closedTerminal: Way = {
  title: '`puppet agent -t` in a terminal that closes',
  async run(cell) {
    await cell.at.serve(cell.manifest(...later(10)));
    const transcript = cell.path('transcript');
    const words = `${test(cell).join(' ')}; exec sleep 1000`; // the shell is still there when the terminal closes
    const terminal = cell.box.exec(['script', '--quiet', '--flush', `--command=${words}`, transcript], {
      env: cell.marker,
      check: false,
      timeoutMs: 300_000,
    });
    const output = () => (cell.box.exists(transcript) ? cell.box.readFile(transcript) : '');
    await cell.until('the end of the run', () => output().includes('Applied catalog in'));
    const [first] = await cell.runs();
    const [, device = ''] = /^1 (\/dev\/pts\/\d+)$/m.exec(first?.run.descriptors.join('\n') ?? '') ?? [];
    expect(cell.box.exists(device), device).toBe(true);
    await cell.at.sh('pkill -KILL -x script');
    await terminal;
    expect(cell.box.exists(device), 'the terminal').toBe(false);
    expect(await cell.runs(), 'the machine is too slow for this cell').toHaveLength(1);
    await expectOneRerun(cell, { output: output(), command: 'agent', exec: 'again-delta-later' });
  },
};

export const sudo: Way = {
  title: '`puppet agent -t` under `sudo`',
  async run(cell) {
    await cell.at.serve(cell.manifest());
    cell.box.writeFile('/etc/sudoers.d/again-spec', `${USER} ALL=(ALL) NOPASSWD: SETENV: ALL\n`, 0o440);
    const argv = ['sudo', `MARKER=${cell.marker.MARKER}`, ...test(cell)];
    const { stdout } = await cell.box.exec(argv, { user: USER, check: false });
    const { rerun } = await expectOneRerun(cell, { output: stdout, command: 'agent' });
    expect(rerun.environ.toString().split('\0')).toContain(`SUDO_USER=${USER}`);
  },
};

export const cron: Way = {
  title: '`puppet agent -t` from cron',
  async run(cell) {
    await cell.at.serve(cell.manifest());
    const output = cell.path('output');
    const once = `mkdir ${cell.path('once')} 2> /dev/null && ${test(cell).join(' ')} > ${output} 2>&1`;
    const input = `MARKER=${cell.marker.MARKER}\n* * * * * ${once}\n`;
    await cell.box.exec(['crontab', '-'], { input });
    await cell.until('the rerun', async () => (await cell.runs()).length === 2);
    await expectOneRerun(cell, { output: cell.box.readFile(output), command: 'agent' });
  },
};

export const ownFolders: Way = {
  title: '`puppet agent -t` with its own `--confdir`, `--vardir` and `--environment`',
  async run(cell) {
    await cell.at.serve(cell.manifest(), 'own');
    const [confdir, vardir] = [cell.path('conf'), cell.path('var')];
    const settings = {
      server: NAME,
      certname: 'own.example.test',
      ssldir: `${vardir}/ssl`,
      keylength: '2048',
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
    cell.box.writeFile(`${confdir}/puppet.conf`, `[main]\n${lines.join('')}`);
    const own = ['--confdir', confdir, '--vardir', vardir, '--environment', 'own'];
    const { stdout } = await cell.box.exec([...test(cell), ...own], { env: cell.marker, check: false });
    const { rerun } = await expectOneRerun(cell, { output: stdout, command: 'agent' });
    expect(rerun.argv).toEqual(expect.arrayContaining(own));
  },
};

export const disabledMeanwhile: Way = {
  title: '`puppet agent --disable` while a rerun is pending, then `--enable`',
  async run(cell) {
    const gate = `exec { 'gate':
  command  => 'while test -e ${cell.path('gate')}; do sleep 0.1; done',
  provider => 'shell',
  require  => Exec['probe run'],
}`;
    cell.box.writeFile(cell.path('gate'), '');
    await cell.at.serve(cell.manifest(undefined, gate));
    const { command } = cell.generation.puppet;
    const run = cell.box.exec(test(cell), { env: cell.marker, check: false, timeoutMs: 300_000 });
    await cell.until('the run at the gate', async () => (await cell.runs()).length === 1);
    await cell.at.sh(`${command} agent --disable; rm ${cell.path('gate')}`);
    const output = (await run).stdout;

    const waits = async () => {
      const { stdout } = await cell.box.exec([`${AGAIN}/again`, 'status', '--json']);
      const [pending] = JSON.parse(stdout) as { waitsFor: { kind: string } }[];
      return pending?.waitsFor.kind === 'enable';
    };
    await cell.until('a rerun that waits until the agent is enabled', waits);
    expect(pendingIn(cell.box, AGAIN)).toHaveLength(1);
    expect(await cell.runs()).toHaveLength(1);
    await cell.at.sh(`${command} agent --enable`);
    await expectOneRerun(cell, { output, command: 'agent' });
  },
};
