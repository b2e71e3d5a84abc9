import { afterAll, beforeAll, expect, test } from 'vitest';
import { thisMachine } from '../support/machine/local.ts';
import { until } from '../support/wait.ts';
import { type AgentMachine, openAgentMachine } from './agent-machine.ts';
import { type Bolt, openBolt } from './bolt.ts';
import { held, hold, holdScript, people } from './people.ts';

const { session } = people();

let bolt: Bolt;
let machine: AgentMachine;
beforeAll(async () => {
  bolt = await openBolt(thisMachine, `${session().root}/bolt`);
  machine = await openAgentMachine(session(), 'converge');
});
afterAll(() => machine?.close());

/** Asks for the next run as long as this run is one of the first so many of a chain. */
const asks = (links: number, delta = 3) => `common::again::delta { 'more': delta => ${delta} }
$link = $facts['again'] ? { Hash => $facts['again']['chain'], default => 0 }
if $link < ${links} { notify { 'more': notify => Common::Again::Delta['more'] } }
`;

test('the plan common::converge runs Puppet, waits until nothing is pending, and fails where a host has given up', async () => {
  const { node, world, compiles } = machine;
  const converge = (parameters: Record<string, number> = {}) =>
    bolt.converge(node, { interval: 1, ...parameters });

  const never = await converge();
  expect(never.failure).toBe('1 of 1 have not converged: localhost');
  expect(never.rows).toMatchObject([
    { target: 'localhost', value: { state: 'failed', text: expect.stringMatching(/^there is no \//) } },
  ]);

  await compiles(asks(2));
  const delivery = await world.run({
    argv: [world.puppet.command, 'agent', '--test', '--tags', 'common::again'],
  });
  expect(delivery.code, delivery.output).toBe(2);

  const done = await converge();
  expect(done.failure, done.output).toBeUndefined();
  expect(done.rows).toMatchObject([
    {
      target: 'localhost',
      status: 'success',
      value: { state: 'converged', text: 'the last run: unchanged', link: 2 },
    },
  ]);
  // Progress as it goes, and a table.
  expect(done.output).toMatch(/0 of 1 quiet; localhost: Puppet runs/);
  expect(done.output).toMatch(/0 of 1 quiet; localhost: rerun \d (in \d s|has begun|is about to begin)/);
  expect(done.output).toMatch(/localhost +converged +2 +the last run: unchanged/);

  // The time is up while a rerun waits: it continues to wait.
  await compiles(asks(1, 3600));
  const waits = await converge({ timeout: 60 });
  expect(waits.failure).toBe('1 of 1 have not converged: localhost');
  expect(waits.rows).toMatchObject([
    {
      status: 'failure',
      value: {
        state: 'busy',
        text: expect.stringMatching(/^rerun 1 in 3\d\d\d s$/),
        _error: {
          kind: 'common/not-converged',
          msg: expect.stringMatching(/^not done after 60 s: rerun 1 in /),
        },
      },
    },
  ]);
  const { value } = await bolt.task(node, { action: 'cancel', all: 'true' });
  expect(value).toMatchObject({ pending: [] });

  // A chain that has come to its limit ends with a failed Exec: the host has given up.
  await compiles(asks(100, 0), 'common::again::limit: 1\n');
  const gaveUp = await converge();
  expect(gaveUp.failure, gaveUp.output).toBe('1 of 1 have not converged: localhost');
  expect(gaveUp.rows).toMatchObject([
    {
      status: 'failure',
      value: { state: 'failed', text: 'the last run failed, and nothing is pending', link: 1 },
    },
  ]);
});

test('the plan common::converge joins a run that is going, and judges by the report of that run and by what follows', async () => {
  const { node, world, compiles } = machine;
  await world.write('hold.sh', holdScript(world));

  /** Has an agent's run go on until the plan has looked at it. */
  const joined = async (manifest: string) => {
    await node.files.remove(world.path('held'));
    await world.write('hold', '');
    await compiles(`${manifest}\n${hold(world)}\n`);
    const run = await world.start({ argv: [world.puppet.command, 'agent', '--test'] });
    await held(world, run);
    const plan = bolt.converge(node, { interval: 1 });
    // A task has its parameters in its environment.
    const looks = async () =>
      (await node.processes()).some(({ environ }) => environ.includes('PT__task=common::again_progress\0'));
    await until('the plan to look at that run', looks, { seconds: 120 });
    await until('the end of that look', async () => !(await looks()), { seconds: 120 });
    await node.files.remove(world.path('hold'));
    await run.ended;
    return plan;
  };

  await compiles('include common::again');
  const delivery = await world.run({ argv: [world.puppet.command, 'agent', '--test'] });
  expect([0, 2], delivery.output).toContain(delivery.code);

  const followed = await joined(asks(1));
  expect(followed.failure, followed.output).toBeUndefined();
  expect(followed.rows).toMatchObject([
    { value: { state: 'converged', text: expect.stringMatching(/^the last run: /), link: 1 } },
  ]);
  expect(followed.output).toMatch(/0 of 1 quiet; localhost: Puppet runs/);

  const failed = await joined(`include common::again\nexec { '/bin/false': }`);
  expect(failed.rows).toMatchObject([
    { value: { state: 'failed', text: 'the last run failed, and nothing is pending' } },
  ]);

  const quiet = await joined('include common::again');
  expect(quiet.failure, quiet.output).toBeUndefined();
  expect(quiet.rows).toMatchObject([{ value: { state: 'converged', text: 'the last run: changed' } }]);
}, 600_000);
