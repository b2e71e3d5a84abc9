import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGAIN, type Cell, later, makeCell } from '../matrix/cell.ts';
import { generations } from '../matrix/generations.ts';
import { type Installation, install } from '../matrix/installation.ts';
import { openbolt } from '../support/container/openbolt.ts';

// Bolt itself is tried in spec/people.

const { debian_13_puppet_8 } = generations;
const MODULES = '/etc/puppet/code/environments/production/modules';

describe('OpenBolt 5.6 on Debian 13', () => {
  let at: Installation;
  let cell: Cell;

  beforeAll(async () => {
    at = await install({ ...debian_13_puppet_8, commands: openbolt.commands });
    cell = await makeCell(at, 'openbolt');
  });

  afterAll(() => at?.close());

  /** `bolt WORDS… --targets localhost`: what it prints, taken for JSON. */
  async function bolt(...words: string[]) {
    const options = ['--targets', 'localhost', '--modulepath', MODULES, '--format', 'json'];
    const argv = [openbolt.program, ...words, ...options];
    const { stdout, stderr } = await at.box.exec(argv, {
      cwd: '/root',
      env: openbolt.environment,
      check: false,
      timeoutMs: 300_000,
    });
    const json = /^[[{][\s\S]*[\]}]$/m.exec(stdout)?.[0];
    expect(json, `${stdout}${stderr}`).toBeDefined();
    return JSON.parse(json ?? '');
  }

  const answerOf = async (...words: string[]) => (await bolt('task', 'run', ...words)).items[0].value;

  it('runs the tasks, and those with --noop change nothing', async () => {
    const site = cell.site(...later(3600));
    await at.box.exec([debian_13_puppet_8.puppet.command, 'apply', site]);
    const pending = [{ name: 'later' }];
    const status = await answerOf('common::again_status');
    expect(status).toMatchObject({ version: expect.stringMatching(/^\d/), pending });
    expect(JSON.stringify(status)).not.toContain('site.pp');
    expect(await answerOf('common::again_cancel', 'all=true', '--noop')).toMatchObject({
      _output: 'Would cancel: later',
      pending,
    });
    expect(await answerOf('common::again_cancel', 'name=later')).toMatchObject({
      _output: 'Cancelled: later',
      pending: [],
    });
    await cell.clear();
  });

  it('converges a host by the plan', async () => {
    await at.sh(`rm -f ${cell.path('trigger')}`);
    await at.serve(cell.manifest());
    // The task starts the Puppet that the last run was, which notes itself.
    await at.sh(
      `${debian_13_puppet_8.puppet.command} agent -t || test $? -eq 2; ${AGAIN}/again cancel --all`,
    );
    await at.sh(`rm -f ${cell.path('trigger')}`);
    const results = await bolt('plan', 'run', 'common::converge', 'interval=1', 'timeout=240');
    expect(results).toMatchObject([
      { target: 'localhost', status: 'success', value: { state: 'converged', link: 1 } },
    ]);
    await cell.clear();
  });
});
