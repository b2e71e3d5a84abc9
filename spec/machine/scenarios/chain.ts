import { expect, test } from 'vitest';
import type { Bench } from '../../support/machine/bench.ts';
import { announcement, hieraData, outputOf, probe, type World } from '../../support/machine/world.ts';
import { until } from '../../support/wait.ts';

/** Reruns that cause reruns. */
export function chainScenarios(bench: Bench): void {
  test('a limit ends the chain with a failed Exec that says so, and the next ordinary run begins a new one', async (context) => {
    const world = await bench.world(context);
    await configure(world, 'common::again::limit: 1');
    const site = await world.write('site.pp', alwaysNotifies(world));
    const first = await world.run({ argv: world.apply(site) });
    const { log } = announcement(first.output);
    await world.settled(2);
    const rerun = (await world.node.files.read(log)).toString();
    expect(outputOf(rerun, 'again')).toEqual([
      'again: the chain of reruns ends here: this would be rerun 2, and limit is 1',
    ]);
    expect(rerun).toContain("Failed to call refresh: '/bin/sh ");

    const next = await world.run({ argv: world.apply(site) });
    expect(announcement(next.output).line).not.toContain('in a row');
    await world.settled(4);
  });
}

/** The ones that take long. */
export function slowChainScenarios(bench: Bench): void {
  test('a manifest that always notifies: the waits grow, and again cancel ends it', async (context) => {
    const world = await bench.world(context);
    await configure(world, 'common::again::burst: 1', 'common::again::max_delay: 60');
    const site = await world.write('site.pp', alwaysNotifies(world));
    const first = await world.run({ argv: world.apply(site) });
    expect(announcement(first.output).line).toMatch(
      /again as soon as this run \(pid \d+\) has ended; waiter/,
    );

    const second = await rerunLine(world, announcement(first.output).log, 2);
    expect(second).toMatch(/again 30 s after this run \(pid \d+\) has ended \(rerun 2 in a row, backing off/);
    const third = await rerunLine(world, logIn(second), 3);
    expect(third).toMatch(/again 60 s after this run \(pid \d+\) has ended \(rerun 3 in a row, backing off/);

    const { starts, ends } = await world.clock();
    expect((starts[2]?.at ?? 0) - (ends[1]?.at ?? 0)).toBeGreaterThanOrEqual(30);
    const cancelled = await world.run({ argv: [`${world.again}/again`, 'cancel', '--all'] });
    expect(cancelled.output).toBe("Cancelled: Exec['again']\n");
    await world.settled(3);
  });
}

function alwaysNotifies(world: World): string {
  return `include common::again\n${probe(world, 'run', "notify => Exec['again'],")}\n`;
}

async function configure(world: World, ...lines: string[]): Promise<void> {
  await world.write('conf/data/world.yaml', `${hieraData(world.path('base'))}${lines.join('\n')}\n`);
}

/** The line that the Exec of rerun number `count - 1` prints, which ends up in the log of that rerun. */
async function rerunLine(world: World, log: string, count: number): Promise<string> {
  return until(
    `run ${count} to have notified`,
    async () => {
      const text = (await world.node.files.exists(log)) ? (await world.node.files.read(log)).toString() : '';
      return text.includes('Applied catalog') && announcement(text).line;
    },
    { seconds: 100 },
  );
}

function logIn(line: string): string {
  return /output to (\S+)$/.exec(line)?.[1] ?? '';
}
