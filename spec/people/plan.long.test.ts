import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { thisMachine } from '../support/machine/local.ts';
import { type Bolt, copyModule, openBolt } from './bolt.ts';
import { people } from './people.ts';

// The plan by the real Bolt, on targets that answer as a test says: what it asks, of whom, and what it makes of that.

const { session } = people();
const { files } = thisMachine;

let bolt: Bolt;
beforeAll(async () => {
  bolt = await openBolt(thisMachine, `${session().root}/bolt`);
});

/** A task is run below the folder of its target: there it notes that it was asked, and finds its next answer, of which the last one stays. */
const standIn = (task: string) => `#!/bin/sh
target=\${0%/tmp/*}
echo ${task} >> "$target/asked"
read -r answer < "$target/${task}" || exit 1
test "$(wc -l < "$target/${task}")" -le 1 || sed -i 1d "$target/${task}"
printf '%s\\n' "$answer"
`;

const report = { status: 'changed', time: 100 };
const seen = { running: null, pending: [], history: [], report };
const runs = { ...seen, running: 4711 };
const failed = { ...seen, report: { ...report, status: 'failed' } };
const refused = { _error: { kind: 'common/again', msg: 'the agent is disabled', details: {} } };

/** A plan that has these targets converge, and asks the set that it gets, and the one in the details of a failure. */
const caller = {
  'functions/told.pp': `
function caller::told(ResultSet $set) {
  $converged = $set.filter_set |$result| { $result['state'] == 'converged' }
  $state = $set.find('local://two')['state']
  ({ 'ok' => $set.ok, 'ok_set' => $set.ok_set.names, 'error_set' => $set.error_set.names, 'state' => $state, 'converged' => $converged.names })
}
`,
  'plans/init.pp': `
plan caller(TargetSpec $targets) {
  $parameters = { 'targets' => $targets, 'interval' => 1 }
  $set = run_plan('common::converge', $parameters + { 'fail_plan_on_errors' => false })
  $error = catch_errors(['common/not-converged']) || { run_plan('common::converge', $parameters) }
  $failed = { 'kind' => $error.kind } + caller::told($error.details['result_set'])
  return({ 'returned' => caller::told($set), 'failed' => $failed })
}
`,
};

interface Target {
  /** The answer of the task that is to start a run. Default: that it did. */
  readonly run?: object;
  /** Its answer at each look. */
  readonly progress: readonly object[];
}

/** Has the plan converge such targets, and returns what it said, the runs of tasks that Bolt tells of, and what each of the targets was asked. */
async function converge(
  name: string,
  targets: Readonly<Record<string, Target>>,
  parameters: Readonly<Record<string, number | boolean>> = {},
) {
  const dir = `${session().root}/plan-${name}`;
  const modules = join(dir, 'modules');
  await copyModule(join(modules, 'common'), ['metadata.json', 'functions', 'plans']);
  await files.makeFolder(join(modules, 'common/tasks'));
  for (const task of ['again_run', 'again_progress'])
    await files.write(join(modules, `common/tasks/${task}.sh`), standIn(task), 0o755);
  for (const [target, { run = { pid: 1, time: 100 }, progress }] of Object.entries(targets)) {
    await files.makeFolder(join(dir, target, 'tmp'));
    await files.write(join(dir, target, 'again_run'), `${JSON.stringify(run)}\n`);
    const lines = progress.map((answer) => `${JSON.stringify(answer)}\n`);
    await files.write(join(dir, target, 'again_progress'), lines.join(''));
  }
  const inventory = {
    targets: Object.keys(targets).map((target) => ({
      uri: `local://${target}`,
      config: { local: { tmpdir: join(dir, target, 'tmp'), 'bundled-ruby': false } },
    })),
  };
  await files.write(join(dir, 'inventory.yaml'), JSON.stringify(inventory));
  const where = [
    ...['--targets', 'all', '--inventoryfile', join(dir, 'inventory.yaml')],
    ...['--modulepath', modules, '--log-level', 'info'],
  ];
  const said = await bolt.converge(thisMachine, { interval: 1, ...parameters }, where);
  const tasks = [...said.output.matchAll(/Starting: task common::again_(\w+) on ([\w:/, ]+)/g)].map(
    ([, task, on]) => `${task}: ${on?.replaceAll('local://', '')}`,
  );
  const asked = async (target: string) => {
    const path = join(dir, target, 'asked');
    if (!(await files.exists(path))) return [];
    return String(await files.read(path))
      .trim()
      .split('\n')
      .map((line) => line.replace('again_', ''));
  };
  return { ...said, tasks, asked, modules, where };
}

const statesOf = (rows: readonly { target: string; value: { state: string } }[]) =>
  Object.fromEntries(rows.map(({ target, value }) => [target.replace('local://', ''), value.state]));

describe('the plan common::converge', () => {
  test('looks at those alone that are still busy, and returns a set of results', async () => {
    const { output, rows, tasks, asked } = await converge('busy', {
      one: { progress: [seen] },
      two: { progress: [runs, runs, seen] },
      three: { progress: [runs, seen] },
    });
    expect(statesOf(rows), output).toEqual({ one: 'converged', two: 'converged', three: 'converged' });
    expect(rows.map(({ status }) => status)).toEqual(['success', 'success', 'success']);
    expect(rows[0]?.value).toEqual({ state: 'converged', text: 'the last run: changed', link: null });
    expect(tasks, output).toEqual([
      'run: one, two, three',
      'progress: one, two, three',
      'progress: two, three',
      'progress: two',
    ]);
    expect(await asked('one')).toEqual(['run', 'progress']);
    expect(await asked('two')).toEqual(['run', 'progress', 'progress', 'progress']);
    expect(await asked('three')).toEqual(['run', 'progress', 'progress']);
    expect(output).toMatch(/1 of 3 quiet; local:\/\/two: Puppet runs; local:\/\/three: Puppet runs/);
    expect(output).toMatch(/2 of 3 quiet; local:\/\/two: Puppet runs$/m);
    expect(output).toMatch(/3 of 3 quiet$/m);
  });

  test('takes batches, and begins none after one with a failure', async () => {
    const { failure, rows, details, asked } = await converge(
      'batches',
      {
        one: { progress: [runs, seen] },
        two: { progress: [seen] },
        three: { progress: [failed] },
        four: { run: refused, progress: [seen] },
        five: { progress: [seen] },
      },
      { batch: 2 },
    );
    expect(failure).toBe('2 of 5 have not converged: local://three, local://four; not begun: local://five');
    expect(statesOf(rows)).toEqual({ one: 'converged', two: 'converged', three: 'failed', four: 'failed' });
    expect(rows.map(({ value }) => value._error?.msg)).toEqual([
      undefined,
      undefined,
      'the last run failed, and nothing is pending',
      'the agent is disabled',
    ]);
    expect(details).toMatchObject({
      failed_targets: ['local://three', 'local://four'],
      skipped_targets: ['local://five'],
    });
    expect(await asked('five')).toEqual([]);
  });

  test('goes on with fail_plan_on_errors=false, and fails for nobody', async () => {
    const { output, failure, rows, asked } = await converge(
      'goes-on',
      {
        one: { progress: [{ _error: { kind: 'common/again', msg: 'there is no again', details: {} } }] },
        two: { progress: [runs] },
        three: { progress: [seen] },
      },
      { batch: 1, fail_plan_on_errors: false, timeout: 2 },
    );
    expect(failure, output).toBeUndefined();
    expect(rows).toMatchObject([
      { status: 'failure', value: { state: 'failed', _error: { msg: 'there is no again' } } },
      { status: 'failure', value: { state: 'busy', _error: { msg: 'not done after 2 s: Puppet runs' } } },
      { status: 'success', value: { state: 'converged' } },
    ]);
    expect(await asked('three')).toEqual(['run', 'progress']);
  });

  test('fails where a rerun was not run, and where the run that it has started left no report: it names the output', async () => {
    const history = [{ start: new Date(150_000).toISOString(), link: 1, result: 'not run' }];
    const { output, rows } = await converge(
      'lost',
      {
        one: { progress: [{ ...seen, history }] },
        two: { run: { pid: 1, time: 100, log: '/now-1.log' }, progress: [{ ...seen, report: null }] },
      },
      { fail_plan_on_errors: false },
    );
    expect(rows, output).toMatchObject([
      { value: { state: 'failed', text: 'rerun 1 was not run: see `again history` there' } },
      {
        value: {
          state: 'failed',
          text: 'Puppet has written no report of its last run: see /now-1.log there',
        },
      },
    ]);
  });

  test.each([
    [8, 60, [runs, seen]],
    [30, 16, [runs, runs, seen]],
  ])(
    'has its last look at the end of the time: timeout=%i interval=%i',
    async (timeout, interval, progress) => {
      const begun = Date.now();
      const { output, rows, asked } = await converge(
        `end-${timeout}`,
        { one: { progress }, two: { progress: [runs] } },
        { timeout, interval, fail_plan_on_errors: false },
      );
      expect(Date.now() - begun).toBeGreaterThanOrEqual(timeout * 1000);
      expect(rows, output).toMatchObject([
        { status: 'success', value: { state: 'converged' } },
        {
          status: 'failure',
          value: { state: 'busy', _error: { msg: `not done after ${timeout} s: Puppet runs` } },
        },
      ]);
      const looks = progress.map(() => 'progress');
      expect(await asked('one')).toEqual(['run', ...looks]);
      expect(await asked('two')).toEqual(['run', ...looks]);
    },
  );

  test('returns and fails with a ResultSet that another plan can ask', async () => {
    const { modules, where } = await converge('caller', {
      one: { progress: [seen] },
      two: { progress: [failed] },
    });
    for (const [path, text] of Object.entries(caller)) {
      await files.makeFolder(dirname(join(modules, 'caller', path)));
      await files.write(join(modules, 'caller', path), text);
    }
    const { code, output, json } = await bolt.answer(thisMachine, ['plan', 'run', 'caller', ...where]);
    expect(code, output).toBe(0);
    const told = {
      ok: false,
      ok_set: ['local://one'],
      error_set: ['local://two'],
      state: 'failed',
      converged: ['local://one'],
    };
    expect(json).toEqual({
      returned: told,
      failed: { kind: 'common/not-converged', ...told },
    });
  });

  test.each([
    ['batch', 0, 'Integer[1]'],
    ['timeout', 86_401, 'Integer[1, 86400]'],
    ['interval', 0, 'Integer[1, 3600]'],
    ['fail_plan_on_errors', 'maybe', 'Boolean'],
    ['folder', 'base', 'Pattern'],
  ])('refuses %s=%s', async (parameter, value, type) => {
    const modules = ['--modulepath', `${session().root}/bolt/modules`, '--targets', 'localhost'];
    const params = ['--params', JSON.stringify({ [parameter]: value })];
    const words = ['plan', 'run', 'common::converge', ...params, ...modules];
    const { code, output } = await bolt.command(thisMachine, words);
    expect(code).not.toBe(0);
    expect(output).toContain(`parameter '${parameter}' expects`);
    expect(output).toContain(type);
  });
});
