import { expect, test } from 'vitest';
import { type Bench, expectOneRerun } from '../../support/machine/bench.ts';
import { hasPendingSignals, listeningSockets } from '../../support/machine/sockets-and-signals.ts';
import { until } from '../../support/machine/wait.ts';
import { announcement, notifyOnce } from '../../support/machine/world.ts';

/** All that can be caught, but for the two that cancel (INT, TERM), those of faults (ILL, TRAP, ABRT, BUS, FPE, SEGV, SYS) and CONT: signal(7). */
const STANDARD = [1, 3, 10, 12, 13, 14, 16, 17, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30];
const REALTIME = Array.from({ length: 31 }, (_, n) => n + 34);

/** Signals that were meant for somebody else: `pkill -USR1 -f puppet`, `systemctl kill -s USR2 puppet`. */
export function signalScenarios(bench: Bench): void {
  test('no signal but SIGTERM and SIGINT does anything to a waiter, and none opens a port; the rerun has its run’s own', async (context) => {
    const world = await bench.world(context);
    const delta = "common::again::delta { 'later': delta => 6 }";
    const site = await world.write('site.pp', notifyOnce(world, "Common::Again::Delta['later']", delta));
    const first = await world.run({ argv: world.apply(site) });
    const { waiter } = announcement(first.output, 'again-delta-later');
    for (const signal of [...STANDARD, ...REALTIME]) {
      await world.node.exec({ argv: ['/bin/kill', `-${signal}`, String(waiter)] });
    }
    await until('all signals to be taken', async () => !(await hasPendingSignals(world, waiter)));
    const [helper] = await world.helpers();
    // It sleeps, or does something in this very moment: it is neither stopped nor gone.
    expect({ pid: helper?.pid, state: helper?.state }).toEqual({
      pid: waiter,
      state: expect.stringMatching(/^[SRD]$/),
    });
    expect(await listeningSockets(world, waiter), 'ports').toEqual([]);
    await expectOneRerun(world, first.output, { exec: 'again-delta-later' });
  });
}
