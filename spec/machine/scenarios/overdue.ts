import { expect, test } from 'vitest';
import { openAgent } from '../../support/machine/agent.ts';
import { type Bench, fallDue } from '../../support/machine/bench.ts';
import { expectOneAtATime } from '../../support/machine/one-at-a-time.ts';
import { announcement, notifyOnce, type World } from '../../support/machine/world.ts';
import { fieldsAfterName } from '../../support/stat.ts';
import { until } from '../../support/wait.ts';

/** It falls due when the test says so: {@link fallDue}. */
const later = "common::again::delta { 'later': delta => 3600 }";

/** Something falls due while runs are going that have begun before. */
export function overdueScenarios(bench: Bench): void {
  testOverdueAgent(bench, undefined);
}

/** The ones that take long. */
export function slowOverdueScenarios(bench: Bench): void {
  testOverdueAgent(bench, '$vardir/elsewhere { mode = 0750 }');

  test('two other runs of the same `puppet apply`, one begun before the due time and one after it: the first one satisfies nothing', async (context) => {
    const world = await bench.world(context);
    const site = await world.write(
      'site.pp',
      notifyOnce(world, "Common::Again::Delta['later']", `${later}\n${gates(world)}`),
    );
    await open(world, 1);
    const first = await world.run({ argv: world.apply(site) });
    const { waiter } = announcement(first.output, 'again-delta-later');

    const before = await world.start({ argv: world.apply(site) });
    await until('the run before', async () => (await world.runs()).length === 2, {
      seconds: 200,
      seen: before.output,
    });
    await fallDue(world, before);
    const after = await world.start({ argv: world.apply(site) });
    await until('the run after', async () => (await world.runs()).length === 3, {
      seconds: 200,
      seen: after.output,
    });
    await open(world, 2);
    expect((await before.ended).code, before.output()).toBe(0);
    expect((await world.helpers()).map(({ pid }) => pid)).toEqual([waiter]);
    expect(await world.pending()).toHaveLength(1);

    // Both write the same report, so it can't be told what the later one has done.
    await open(world, 4);
    await open(world, 3);
    expect((await after.ended).code, after.output()).toBe(0);
    const runs = await world.settled(4);
    expect(runs[3]?.run.pid).toBe(waiter);
  });

  test('where /proc/uptime is smaller than the start times of processes, as lxcfs has it: an earlier run satisfies nothing, and waiting costs nothing', async (context) => {
    const world = await bench.world(context);
    const uptime = await world.write('uptime', '12.34 5.67\n');
    const wrap = ['unshare', '--mount', '--', '/bin/sh', '-euc', lxcfs, 'sh', uptime];
    const site = await world.write(
      'site.pp',
      notifyOnce(world, "Common::Again::Delta['later']", `${later}\n${gates(world)}`),
    );
    await open(world, 1);
    const first = await world.run({ argv: world.apply(site), wrap });
    const { waiter } = announcement(first.output, 'again-delta-later');

    const before = await world.start({ argv: world.apply(site), wrap });
    await until('the run before', async () => (await world.runs()).length === 2, {
      seconds: 200,
      seen: before.output,
    });
    await fallDue(world, before);
    const inTwoSeconds = async () => {
      const [spent, begun] = [await processorTime(world, waiter), performance.now()];
      await until('two seconds', () => performance.now() - begun > 2000);
      return (await processorTime(world, waiter)) - spent;
    };
    // What it does at first is to load what it needs from then on.
    await until('the waiter to be at rest', async () => (await inTwoSeconds()) < 20);
    expect(await inTwoSeconds(), 'hundredths of a second').toBeLessThan(20);
    await open(world, 3);
    await open(world, 2);
    expect((await before.ended).code, before.output()).toBe(0);

    const runs = await world.settled(3);
    expect(runs[2]?.run.pid).toBe(waiter);
    await expectOneAtATime(world, 3);
  });
}

function testOverdueAgent(bench: Bench, statedir: string | undefined): void {
  const where = statedir === undefined ? '' : `, with \`statedir = ${statedir}\``;
  test(`a long agent run begins, the agent is disabled, a delta falls due, the agent is enabled, and that run ends well: the rerun comes${where}`, async (context) => {
    const { world, command, compiles } = await openAgent(bench, context, {
      inConfigurationFile: statedir !== undefined,
    });
    if (statedir !== undefined) {
      const conf = await world.node.files.read(world.path('conf/puppet.conf'));
      await world.write('conf/puppet.conf', `${conf}statedir = ${statedir}\n`);
    }
    await compiles(notifyOnce(world, "Common::Again::Delta['later']", `${later}\n${gates(world)}`));
    await open(world, 1);
    const first = await world.run({ argv: command('-t') });
    const { waiter } = announcement(first.output, 'again-delta-later');

    const long = await world.start({ argv: command('-t') });
    await until('the long run', async () => (await world.runs()).length === 2, {
      seconds: 200,
      seen: long.output,
    });
    await world.run({ argv: command('--disable', 'for a test') });
    await fallDue(world, long);
    await world.run({ argv: command('--enable') });
    expect((await world.helpers()).map(({ pid }) => pid)).toEqual([waiter]);
    expect(await world.runs()).toHaveLength(2);
    await open(world, 3);
    await open(world, 2);
    expect((await long.ended).code, long.output()).toBe(2);

    const runs = await world.settled(3);
    expect(runs[2]?.run.pid).toBe(waiter);
    const log = await world.node.files.read(announcement(first.output, 'again-delta-later').log);
    expect(log.toString()).not.toMatch(/already in progress|disabled/i);
  });
}

const lxcfs = 'mount --bind "$1" /proc/uptime; shift; exec "$@"';

/** Has run number N wait until `open(world, N)`; the runs are counted by the journal of the world. */
function gates(world: World): string {
  const [journal, gate] = [world.path('journal'), world.path('gate')];
  return `exec { 'gate':
  command  => 'n=$(ls ${journal} | wc -l); until test -e ${gate}-$n; do sleep 0.1; done',
  provider => 'shell',
  require  => Exec['probe run'],
}`;
}

async function open(world: World, run: number): Promise<void> {
  await world.write(`gate-${run}`, '');
}

/** Hundredths of a second, in user and kernel mode. */
async function processorTime(world: World, pid: number): Promise<number> {
  const stat = (await world.node.files.read(`/proc/${pid}/stat`)).toString('latin1');
  const fields = fieldsAfterName(stat);
  return Number(fields[11]) + Number(fields[12]);
}
