import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Past } from '../../src/cli/history.ts';
import { AGAIN, type Cell, makeCell } from '../matrix/cell.ts';
import { expectOneRerun } from '../matrix/expect-one-rerun.ts';
import { generations } from '../matrix/generations.ts';
import { type Installation, install } from '../matrix/installation.ts';
import { besideIt, fromRubyGems, upgradeTo } from '../matrix/prefix.ts';
import { leftIn } from '../support/container/what-is-left.ts';

const { openvox_8_gem } = generations;
const { command, confdir, vardir } = openvox_8_gem.puppet;

/** OpenVox 9 has no default for `server`, and no settings `pluginsync` and `configprint`. */
describe('a daemon of OpenVox 8 whose run upgrades it to 9', () => {
  let at: Installation;
  let cell: Cell;
  let cells = 0;

  beforeAll(async () => {
    const commands = [
      ...fromRubyGems('openvox', 8, '~> 8.0'),
      ...besideIt('openvox', 9),
      `cp /opt/puppetlabs/puppet/lib/activate.rb /opt/puppetlabs/puppet/lib/activate-8.rb`,
    ];
    at = await install({ ...openvox_8_gem, commands });
    // The name that a server has by default, and that OpenVox 8 asks by default.
    await at.sh("echo '127.0.0.1 puppet' >> /etc/hosts");
  });

  beforeEach(async () => {
    await at.sh(upgradeTo(8));
    cells += 1;
    cell = await makeCell(at, `upgrade${cells}`);
    const upgrade = `exec { '${upgradeTo(9)}':
  path    => '/bin',
  creates => '${cell.path('trigger')}',
}`;
    await at.serve(cell.manifest(undefined, upgrade));
  });

  afterEach(() => cell.clear());

  afterAll(() => at?.close());

  /** Starts it, and waits until its rerun has ended; what again history says of that. */
  async function rerunOf(...more: string[]): Promise<Past | undefined> {
    const before = (await history()).length;
    await at.box.exec([command, 'agent', ...more], { env: cell.marker });
    const hasEnded = async () =>
      (await history()).length > before && (await leftIn(at.box, AGAIN)).length === 0;
    await cell.until('the end of the rerun', hasEnded);
    return (await history()).at(-1);
  }

  async function history(): Promise<Past[]> {
    return JSON.parse((await at.box.exec([`${AGAIN}/again`, 'history', '--json'])).stdout);
  }

  it('is run again by OpenVox 9, with the arguments of the daemon', async () => {
    await at.box.exec([command, 'agent', '--show_diff'], { env: cell.marker });
    await cell.until('the rerun', async () => (await cell.runs()).length === 2);
    const output = await cell.journal('--identifier=puppet-agent');
    const { rerun } = await expectOneRerun(cell, { output, command: 'agent', daemon: true });
    expect(rerun.argv).toContain('--show_diff');
    const report = readFileSync(at.box.hostPath(`${vardir}/state/last_run_report.yaml`), 'utf8');
    expect(report).toMatch(/^puppet_version: '?9\./m);
  });

  it('with an option that 9 does not know, has a rerun that Puppet refuses, and the history says so', async () => {
    const past = await rerunOf('--pluginsync');
    expect(past?.result).toBe(
      'not run: refused by Puppet: Could not parse application options: invalid option: --pluginsync',
    );
    expect(await cell.runs()).toHaveLength(1);
  });

  it('has `reports = none` from then on: by `puppet apply`, the history has the result of a rerun all the same, and an ordinary run satisfies what is due', async () => {
    await at.sh(upgradeTo(9));
    expect(await at.sh(`${command} config print reports`)).toBe('none\n');
    const gate = `exec { 'gate':
  command  => 'while test -e ${cell.path('gate')}; do sleep 0.1; done',
  provider => 'shell',
  require  => Exec['probe run'],
}`;
    const site = cell.site(undefined, gate);
    const apply = () =>
      at.box.exec([command, 'apply', '--color=false', site], { env: cell.marker, timeoutMs: 300_000 });
    const { stdout } = await apply();
    await expectOneRerun(cell, { output: stdout, command: 'apply' });
    expect((await history()).at(-1)).toMatchObject({ result: 'changed' });

    const waits = async (why: RegExp) => why.test(await cell.journal('--identifier=again'));
    await at.sh(`rm ${cell.path('trigger')}; ${AGAIN}/again hold`);
    try {
      await apply();
      await cell.until('a rerun that is held', () => waits(/^waiting: .* the hold /m));
      at.box.writeFile(cell.path('gate'), '');
      const ordinary = apply();
      await cell.until('the waiter to see an ordinary run', () =>
        waits(/^waiting: .* another run, pid \d+$/m),
      );
      await at.sh(`rm ${cell.path('gate')}`);
      await ordinary;
      await cell.until('nothing to be pending', async () => (await leftIn(at.box, AGAIN)).length === 0);
    } finally {
      await at.sh(`rm -f ${cell.path('gate')}; ${AGAIN}/again release`);
    }
    expect(await cell.runs()).toHaveLength(4);
    await cell.until('the journal to say so', () => waits(/^satisfied: /m));
  });

  it('without a server, has a rerun by the cached catalog, in which Puppet says what to do', async () => {
    const file = `${confdir}/puppet.conf`;
    const settings = at.box.readFile(file);
    at.box.writeFile(file, settings.replace(/^server = .*\n/m, ''));
    try {
      expect(await rerunOf()).toMatchObject({ result: 'changed' });
      expect(await cell.runs()).toHaveLength(2);
      expect(await cell.journal('--identifier=puppet-agent')).toContain(
        'Could not retrieve catalog from remote server: OpenVox does not default to `server=puppet`',
      );
      const report = readFileSync(at.box.hostPath(`${vardir}/state/last_run_report.yaml`), 'utf8');
      expect(report).toMatch(/^cached_catalog_status: on_failure$/m);
    } finally {
      at.box.writeFile(file, settings);
    }
  });
});
