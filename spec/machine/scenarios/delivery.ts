import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Bench } from '../../support/machine/bench.ts';
import { anotherVersion, wantedSum } from '../../support/machine/modules.ts';
import type { Finished } from '../../support/machine/node.ts';
import { executableName } from '../../support/machine/session.ts';
import { announcement, notifyOnce, type World } from '../../support/machine/world.ts';
import { until } from '../../support/wait.ts';

export const everything = ['Exec[common::again look]', 'File[AGAIN.gz]', 'Exec[common::again unpack]'];

/** How the executable gets to a node. */
export function deliveryScenarios(bench: Bench): void {
  testDelivery(bench, 'with a folder that the fact knows', true);

  test('another version, while a waiter waits: it is delivered, and the waiter goes on', async (context) => {
    const world = await bench.world(context);
    const gate = await world.write('gate', '');
    const closed = `exec { 'gate':
  command  => 'while test -e ${gate}; do sleep 0.1; done',
  provider => 'shell',
  require  => Exec['again'],
}`;
    const site = await world.write('site.pp', notifyOnce(world, "Exec['again']", closed));
    const run = await world.start({ argv: world.apply(site) });
    await until('a waiter', async () => (await world.pending()).length === 1, {
      seconds: 300,
      seen: run.output,
    });
    const [waiter] = await world.helpers();
    // It is of this version, as everything here.
    await shell(
      world,
      `sed -i 's/"software":"[^"]*"/"software":"0.1.9"/' "$1"/*.json`,
      `${world.state}/commands`,
    );

    const module = await anotherVersion(world.node, world.module);
    await world.useModule(module);
    const update = await include(world);
    expect(changes(world, update)).toEqual([...everything, 'File[AGAIN.sha256]']);
    await expectSound(world, module);
    const older = `Waiters that were there before stay as they are until they run: pid ${waiter?.pid} of version 0.1.9\n`;
    expect(update.output).toContain(older);
    const typed = async (word: string) => (await world.run({ argv: [executableOf(world), word] })).stdout;
    expect(await typed('updated')).toBe(older);
    expect(await typed('status')).toMatch(
      new RegExp(`^ +waiter +pid ${waiter?.pid}, still version 0\\.1\\.9$`, 'm'),
    );
    // Told once: the next run has nothing to deliver.
    expect((await include(world)).output).not.toContain('Waiters that were there before');
    const after = (await world.node.processes()).find(({ pid }) => pid === waiter?.pid);
    expect(after).toMatchObject({
      startTime: waiter?.startTime,
      exe: `${executableOf(world)} (deleted)`,
    });

    await world.node.files.remove(gate);
    const { output } = await run.ended;
    const runs = await world.settled(2);
    expect([announcement(output).waiter, runs[1]?.run.pid]).toEqual([waiter?.pid, waiter?.pid]);
  });
}

/** The ones that take long. */
export function slowDeliveryScenarios(bench: Bench): void {
  testDelivery(bench, 'with a folder that only Hiera knows', false);

  test('one that was put in place before the first run is compared, and nothing is fetched', async (context) => {
    const world = await bench.world(context, { delivered: false });
    const source = join(world.module, 'files/again', executableName);
    await shell(world, 'mkdir -p "$2" && cp "$1" "$2/again"', source, world.again);
    const changed = changes(world, await include(world));
    expect(changed).toContain('Exec[common::again look]');
    expect(changed).not.toContain('File[AGAIN.gz]');
    expect(changed).not.toContain('Exec[common::again unpack]');
    await expectSound(world);
    await expectNothingToDo(world);
  });

  test('several runs deliver at once: each succeeds, and what they leave is whole', async (context) => {
    const world = await bench.world(context, { delivered: false });
    // Of two runs that make the same folder at once, one fails in Puppet's own `file` and its own settings: the folders are there.
    await include(world);
    for (const command of ['find "$1" -type f -delete', 'truncate --size 50M "$1/again"']) {
      await shell(world, command, world.again);
      const runs = await Promise.all(Array.from({ length: 3 }, () => include(world)));
      for (const run of runs) expect([0, 2], run.output).toContain(run.code);
      await expectSound(world);
      await expectNothingToDo(world);
    }
  });

  test('another version, while two whens wait: their waiter goes on looking and becomes the rerun, and its successor has the words of the other', async (context) => {
    const world = await bench.world(context);
    const goal = (name: string) => world.path(`goal-${name}`);
    const names = ['first', 'second'];
    const whens = names.map(
      (name) => `common::again::when { '${name}': succeeds => 'test -e ${goal(name)}', interval => 1 }`,
    );
    const targets = names.map((name) => `Common::Again::When['${name}']`).join(', ');
    const site = await world.write('site.pp', notifyOnce(world, `[${targets}]`, whens.join('\n')));
    const run = await world.run({ argv: world.apply(site) });
    const { waiter } = announcement(run.output, 'again-when-first');
    const before = (await world.helpers()).find(({ pid }) => pid === waiter);

    const module = await anotherVersion(world.node, world.module);
    await world.useModule(module);
    expect(changes(world, await include(world))).toEqual([...everything, 'File[AGAIN.sha256]']);
    await expectSound(world, module);
    const after = (await world.node.processes()).find(({ pid }) => pid === waiter);
    expect(after).toMatchObject({
      startTime: before?.startTime,
      exe: `${executableOf(world)} (deleted)`,
    });
    const looksAt = async (name: string) => {
      const { stdout } = await world.run({ argv: [executableOf(world), 'status', '--json'] });
      const pending: { name: string; condition: { looks: number } }[] = JSON.parse(stdout);
      return pending.find((one) => one.name === name)?.condition.looks ?? 0;
    };
    for (const name of names) {
      const looks = await looksAt(name);
      await until(`two more looks at ${name}`, async () => (await looksAt(name)) >= looks + 2);
    }
    expect(await world.runs()).toHaveLength(1);

    await world.write('goal-first', '');
    const rerun = await until('the rerun', async () => (await world.runs())[1], { seconds: 200 });
    expect(rerun.run.pid).toBe(waiter);
    await until('its successor to look', async () => (await looksAt('second')) >= 1);
    await world.write('goal-second', '');
    const runs = await world.settled(3);
    expect(runs[2]?.run.pid).not.toBe(waiter);
  });
}

function testDelivery(bench: Bench, way: string, knowsFolder: boolean): void {
  test(`the first run delivers, and the next one finds nothing to do: ${way}`, async (context) => {
    const world = await bench.world(context, { delivered: false });
    const first = await include(world, { knowsFolder });
    expect(changes(world, first)).toEqual(expect.arrayContaining(everything));
    await expectSound(world);
    const names = ['again', 'again.gz', 'again.json', 'again.sha256', 'deliver', 'notify', 'state'];
    expect(await world.node.files.list(world.again)).toEqual(names);
    await expectNothingToDo(world, { knowsFolder });
  });
}

interface Way {
  /** Whether the fact `again` can find the folder. */
  readonly knowsFolder?: boolean;
  readonly source?: string;
}

/** One `puppet apply` that has the class and nothing else. */
export function include(world: World, way: Way = {}): Promise<Finished> {
  return world.run({ argv: commandOf(world, way), env: environmentOf(world, way) });
}

export function commandOf(world: World, { source }: Way = {}): string[] {
  const parameters = source === undefined ? '' : `source => '${source}'`;
  return world.apply('--detailed-exitcodes', '-e', `class { 'common::again': ${parameters} }`);
}

export function environmentOf(world: World, { knowsFolder = true }: Way = {}): Record<string, string> {
  return knowsFolder ? { FACTER_puppet_vardirtmp: world.path('base') } : {};
}

/** The resources of the class that a run changed, in their order. */
export function changes(world: World, { output }: Finished): string[] {
  const named = output.replaceAll(executableOf(world), 'AGAIN');
  const all = [...named.matchAll(/^Notice: \/Stage\[main\]\/Common::Again::Delivery\/(\w+\[[^\]]*\])/gm)];
  return [...new Set(all.map(([, name = '']) => name))];
}

export async function expectNothingToDo(world: World, way: Way = {}): Promise<void> {
  const run = await include(world, way);
  expect([run.code, changes(world, run)], run.output).toEqual([0, []]);
}

/** Asserts that the executable of a module is in place, with nothing left of its way. */
export async function expectSound(world: World, module = world.module): Promise<void> {
  const { stat } = world.node.files;
  expect(await sumOf(world)).toBe(await wantedSum(world.node, module));
  expect(await stat(executableOf(world))).toMatchObject({ mode: 0o754, uid: 0, gid: 0 });
  expect((await stat(`${executableOf(world)}.gz`)).size).toBe(512);
  const { code, stdout, stderr } = await verify(world);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toBe(`${executableOf(world)} is what was delivered (sha256 ${await sumOf(world)})\n`);
  await shell(world, 'cd "$1" && sha256sum --check --strict again.sha256', world.again);
}

export const executableOf = (world: World) => `${world.again}/again`;

export const verify = (world: World) => world.run({ argv: [executableOf(world), 'verify'] });

export async function sumOf(world: World): Promise<string> {
  return (await shell(world, 'sha256sum <"$1"', executableOf(world))).slice(0, 64);
}

export async function shell(world: World, script: string, ...args: string[]): Promise<string> {
  const { code, stdout, output } = await world.run({ argv: ['/bin/sh', '-euc', script, 'sh', ...args] });
  expect(code, output).toBe(0);
  return stdout;
}
