import { afterAll, beforeAll, expect, test } from 'vitest';
import { thisMachine } from '../../support/machine/local.ts';
import { type AgentMachine, openAgentMachine } from './agent-machine.ts';
import { type Bolt, openBolt } from './bolt.ts';
import { people, puppet } from './people.ts';

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
  expect(never.row).toMatchObject({ state: 'failed', text: expect.stringMatching(/^there is no \//) });

  await compiles(asks(2));
  const delivery = await world.run({ argv: [puppet.command, 'agent', '--test', '--tags', 'common::again'] });
  expect(delivery.code, delivery.output).toBe(2);

  const done = await converge();
  expect(done.failure, done.output).toBeUndefined();
  expect(done.row).toEqual({
    target: 'localhost',
    state: 'converged',
    text: 'the last run: unchanged',
    link: 2,
  });
  // Progress as it goes, and a table.
  expect(done.output).toMatch(/0 of 1 quiet; localhost: Puppet runs/);
  expect(done.output).toMatch(/0 of 1 quiet; localhost: rerun \d (in \d s|has begun|is about to begin)/);
  expect(done.output).toMatch(/localhost +converged +2 +the last run: unchanged/);

  // The time is up while a rerun waits: it goes on waiting.
  await compiles(asks(1, 3600));
  const waits = await converge({ timeout: 30 });
  expect(waits.failure).toBe('1 of 1 have not converged: localhost');
  expect(waits.row).toMatchObject({ state: 'busy', text: expect.stringMatching(/^rerun 1 in 3\d\d\d s$/) });
  const { value } = await bolt.task(node, { action: 'cancel', all: 'true' });
  expect(value).toMatchObject({ pending: [] });

  // A chain that has come to its limit ends with a failed Exec: the host has given up.
  await compiles(asks(100, 0), 'common::again::limit: 1\n');
  const gaveUp = await converge();
  expect(gaveUp.failure, gaveUp.output).toBe('1 of 1 have not converged: localhost');
  expect(gaveUp.row).toMatchObject({
    state: 'failed',
    text: 'the last run failed, and nothing is pending',
    link: 1,
  });
});
