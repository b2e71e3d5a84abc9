import { basename } from 'node:path';
import { expect, test } from 'vitest';
import type { Bench } from '../../support/machine/bench.ts';
import { openSyslog } from '../../support/machine/syslog.ts';
import { announcement, notifyOnce, outputOf, type World } from '../../support/machine/world.ts';
import { until } from '../../support/wait.ts';

/** Many notifications, few reruns. */
export function coalescingScenarios(bench: Bench): void {
  test('the line of each notification names the log of its own rerun, also where one comes first that was asked for later', async (context) => {
    const world = await bench.world(context);
    const later = "common::again::delta { 'later': delta => 3600, before => Exec['again'] }";
    const site = await world.write(
      'site.pp',
      notifyOnce(world, "[Common::Again::Delta['later'], Exec['again']]", later),
    );
    const { output } = await world.run({ argv: world.apply(site) });
    const logs = ['again', 'again-delta-later'].map((exec) => announcement(output, exec).log);
    await until('the first rerun', async () => (await world.runs()).length === 2);
    expect(new Set(logs).size).toBe(2);
    const hurried = await world.run({ argv: [`${world.again}/again`, 'now', 'later'] });
    expect(hurried.output).toBe('Due now: later\n');
    await world.settled(3);
    const history = await world.run({ argv: [`${world.again}/again`, 'history', '--json'] });
    const ids = JSON.parse(history.stdout).map(({ id }: { id: string }) => id);
    expect(logs.map((log) => basename(log, '.log'))).toEqual(ids);
    for (const log of logs) {
      const text = (await world.node.files.read(log)).toString();
      expect(text.match(/Applied catalog/g), text).toHaveLength(1);
    }
  });

  test('ten deltas of 0 to 9 seconds: each satisfied once and not too early, by no more reruns than that', async (context) => {
    const world = await bench.world(context);
    const syslog = await openSyslog(world);
    const site = await world.write('site.pp', notifyDeltas(world, 10, 1));
    const run = await world.start({ argv: world.apply(site), wrap: syslog.wrap });
    await run.ended;
    await until('reruns for all names', async () => (await satisfiedBy()).length >= 10, {
      seconds: 100,
      seen: satisfiedBy,
    });
    const { length } = await namesOfReruns(world);
    await world.settled(length + 1);
    const { starts, ends } = await world.clock();
    const satisfied = await satisfiedBy();
    expect(satisfied.map(({ name }) => name).sort()).toEqual(Array.from({ length: 10 }, (_, n) => `n${n}`));
    expect(starts.length - 1).toBe(length);
    for (const { name, pid } of satisfied) {
      const start = starts.slice(1).find((one) => one.pid === pid);
      const passed = (start?.at ?? 0) - (ends[0]?.at ?? 0);
      expect(passed, `${name} by ${pid}`).toBeGreaterThanOrEqual(Number(name.slice(1)));
    }

    /** Which rerun satisfied which name: the one that it was for, or, on a busy machine, one that began only when the name was due as well. */
    async function satisfiedBy() {
      const { stdout } = await world.run({ argv: [`${world.again}/again`, 'history', '--json'] });
      const reruns: { pid: number; names: string[] }[] = JSON.parse(stdout);
      const others = (await syslog.lines()).flatMap((line) => {
        const [, names = '', pid] = /^satisfied: (.*): by an ordinary run, pid (\d+)$/.exec(line) ?? [];
        return pid === undefined ? [] : [{ pid: Number(pid), names: names.split(', ') }];
      });
      return [...reruns, ...others].flatMap(({ pid, names }) => names.map((name) => ({ name, pid })));
    }
  });
}

/** The ones that take long. */
export function slowCoalescingScenarios(bench: Bench): void {
  test('100 deltas of different names that one run notifies: one waiter, one rerun', async (context) => {
    const world = await bench.world(context);
    const site = await world.write('site.pp', notifyDeltas(world, 100, 0));
    const run = await world.start({ argv: world.apply(site), seconds: 300 });
    const { output } = await run.ended;
    const lines = Array.from({ length: 100 }, (_, n) => outputOf(output, `again-delta-n${n}`)[0] ?? '');
    const waiters = new Set(lines.map((line) => /waiter pid (\d+)/.exec(line)?.[1]));
    expect([...waiters], output).toHaveLength(1);
    const [, rerun] = await world.settled(2);
    expect(String(rerun?.run.pid)).toBe([...waiters][0]);
    expect(await namesOfReruns(world)).toEqual([expect.toSatisfy((names) => names.length === 100)]);
  }, 400_000);
}

/** A manifest whose first run notifies deltas n0, n1 …, each `step` seconds longer than the one before. */
function notifyDeltas(world: World, count: number, step: number): string {
  return notifyOnce(
    world,
    '$targets',
    `$targets = Integer[0, ${count - 1}].map |$n| {
  common::again::delta { "n\${n}": delta => $n * ${step} }
  Common::Again::Delta["n\${n}"]
}`,
  );
}

/** The names that each rerun satisfied, oldest first. */
async function namesOfReruns(world: World): Promise<string[][]> {
  const { stdout } = await world.run({ argv: [`${world.again}/again`, 'history', '--json'] });
  return JSON.parse(stdout).map((rerun: { names: string[] }) => rerun.names);
}
