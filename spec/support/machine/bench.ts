import { expect, type TestContext } from 'vitest';
import { until } from '../wait.ts';
import type { Sight } from './journal.ts';
import type { Node, Started } from './node.ts';
import { expectNoExtraDescriptors, expectSameSurroundings } from './same-run.ts';
import type { PuppetServer } from './server.ts';
import { announcement, both, makeWorld, type Puppet, type World, type WorldOptions } from './world.ts';

/** Where scenarios run: a machine, one of its Puppets, and a Puppet Server where a scenario needs one. */
export interface Bench {
  readonly puppet: Puppet;
  /** Makes a world that ends with the test. */
  world(context: TestContext, options?: Partial<WorldOptions>): Promise<World>;
  /** The server, as soon as it is ready. */
  server(): Promise<PuppetServer>;
}

export interface BenchOptions {
  readonly node: Node;
  readonly puppet: Puppet;
  /** The module on that machine. */
  readonly module: string;
  /** An empty folder for the worlds, which every user of the machine can enter. */
  readonly dir: string;
  readonly server: () => Promise<PuppetServer>;
}

export function makeBench({ node, puppet, module, dir, server }: BenchOptions): Bench {
  let worlds = 0;
  return {
    puppet,
    server,
    world: async (context, options = {}) => {
      worlds += 1;
      const world = await makeWorld({ node, puppet, module, dir: `${dir}/world${worlds}`, ...options });
      context.onTestFinished(() => world.remove(), 60_000);
      return world;
    },
  };
}

export interface Outcome {
  readonly run: Sight;
  readonly rerun: Sight;
  /** The output of the rerun. */
  readonly log: string;
}

export interface Expected {
  /** The Exec that was notified; `again` unless told. */
  readonly exec?: string;
  readonly seconds?: number;
  /** The run was that of a daemon: a child of it, with a damaged environment. What counts is the daemon. */
  readonly daemon?: boolean;
  /** Where the command itself sends its messages, and so its rerun does. */
  readonly logdest?: string;
}

/**
 * Asserts, of a run whose output is `output`, that one rerun happened as the contract says: in place of the waiter, with the
 * same surroundings, with its whole output in the log that the Exec's line names, and nothing left behind.
 */
export async function expectOneRerun(
  world: World,
  output: string,
  expected: Expected = {},
): Promise<Outcome> {
  const { exec = 'again', seconds, logdest } = expected;
  const said = announcement(output, exec);
  const records = await world.settled(2, seconds);
  const { rerun } = both(records);
  const run = expected.daemon ? (records[0]?.parent as Sight) : both(records).run;

  expect(rerun.pid, 'the waiter becomes the rerun').toBe(said.waiter);
  expectSameSurroundings(rerun, run);
  expectNoExtraDescriptors(rerun, said.log, await world.clock());

  const log = (await world.node.files.read(logdest ?? said.log)).toString('latin1');
  expect(log).toMatch(/Applied catalog in [\d.]+ seconds\S*\n$/);
  if (logdest === undefined) expect(log, 'the rerun notifies nobody').not.toContain(`Exec[${exec}]`);
  expect((await world.node.files.stat(world.state)).mode).toBe(0o700);
  return { run, rerun, log };
}

/** Waits until a waiter has noted that the run which has notified is over: what it writes next is for what is due. */
export async function runEnd({ node: { files }, pending, state }: World): Promise<void> {
  const noted = async (name: string) =>
    (await files.read(`${state}/commands/${name}`)).includes('"runEndedAt"');
  await until('the end of the run to be noted', async () => {
    const all = await Promise.all((await pending()).map(noted));
    return all.length > 0 && all.every(Boolean);
  });
}

/** Has the delta `later` fall due. */
export async function hurry(world: World): Promise<void> {
  const { stdout } = await world.run({ argv: [`${world.again}/again`, 'now', 'later'] });
  expect(stdout).toBe('Due now: later\n');
}

/** The same while a run is going. Waits until that is what the rerun waits for, and returns this as `again status` has it. */
export async function fallDue(world: World, { pid }: Started): Promise<unknown> {
  await hurry(world);
  const status = () => world.run({ argv: [`${world.again}/again`, 'status', '--json'] });
  const waitsFor = async () => JSON.parse((await status()).stdout)[0]?.waitsFor;
  await until('the rerun to wait for it', async () => (await waitsFor())?.pid === pid, { seen: waitsFor });
  return waitsFor();
}

/** Asserts that nothing was scheduled by a run that has just ended. */
export async function expectNothingScheduled(world: World, { runs = 1 } = {}): Promise<void> {
  expect(await world.helpers()).toEqual([]);
  expect(await world.pending()).toEqual([]);
  await world.settled(runs, 5);
}
