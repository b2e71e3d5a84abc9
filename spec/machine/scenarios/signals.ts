import { expect, test } from 'vitest';
import { type Bench, expectOneRerun, hurry } from '../../support/machine/bench.ts';
import { hasPendingSignals, listeningSockets } from '../../support/machine/sockets-and-signals.ts';
import { announcement, notifyOnce } from '../../support/machine/world.ts';
import { until } from '../../support/wait.ts';

/** All that can be caught, but for the two that cancel (INT, TERM), those of faults (ILL, TRAP, ABRT, BUS, FPE, SEGV, SYS) and CONT: signal(7). */
const STANDARD = [1, 3, 10, 12, 13, 14, 16, 17, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30];
const REALTIME = Array.from({ length: 31 }, (_, n) => n + 34);

/** Signals that were meant for other processes: `pkill -USR1 -f puppet`, `systemctl kill -s USR2 puppet`. */
export function signalScenarios(bench: Bench): void {
  test('no signal but SIGTERM and SIGINT does anything to a waiter, and none opens a port; the rerun has its run’s own', async (context) => {
    const world = await bench.world(context);
    const delta = "common::again::delta { 'later': delta => 3600 }";
    const site = await world.write('site.pp', notifyOnce(world, "Common::Again::Delta['later']", delta));
    const first = await world.run({ argv: world.apply(site) });
    const { waiter } = announcement(first.output, 'again-delta-later');
    const each = 'for signal in "$@"; do /bin/kill "-$signal" "$0"; done';
    await world.node.exec({ argv: ['sh', '-c', each, ...[waiter, ...STANDARD, ...REALTIME].map(String)] });
    await until('all signals to be taken', async () => !(await hasPendingSignals(world, waiter)));
    const [helper] = await world.helpers();
    // It sleeps, or does something in this very moment: it is neither stopped nor gone.
    expect({ pid: helper?.pid, state: helper?.state }).toEqual({
      pid: waiter,
      state: expect.stringMatching(/^[SRD]$/),
    });
    expect(await listeningSockets(world, waiter), 'ports').toEqual([]);
    await hurry(world);
    await expectOneRerun(world, first.output, { exec: 'again-delta-later' });
  });
  test('SIGUSR1 at any moment of its start opens no port: it ends a command, or does nothing', async (context) => {
    const world = await bench.world(context);
    const later = "common::again::delta { 'later': delta => 3600 }";
    const site = await world.write('site.pp', notifyOnce(world, "Common::Again::Delta['later']", later));
    await world.run({ argv: world.apply(site) });
    // One signal at once, so many milliseconds after the start, or when it waits, and then a look at the port of Node's debugger, 9229, in /proc/net/tcp.
    const script = `for ms in once $(seq 0 3 99) said; do
  : >"$1"
  "$0" wait >"$1" 2>&1 & pid=$!
  case $ms in
    once) ;;
    said) until grep -q 'waits for later' "$1"; do sleep 0.01; done ;;
    *) sleep "0.0$(printf %02d "$ms")" ;;
  esac
  kill -USR1 "$pid"
  while kill -0 "$pid" 2>/dev/null && ! grep -q 'waits for later' "$1"; do sleep 0.01; done
  grep -q ':240D .* 0A ' /proc/net/tcp && echo "$ms ms: a port"
  kill -TERM "$pid" 2>/dev/null; wait "$pid"; echo "ended with $?"
  grep -i debugger "$1"
done`;
    const argv = ['/bin/sh', '-c', script, `${world.again}/again`, world.path('said')];
    const { stdout, output } = await world.run({ argv });
    const lines = stdout.trim().split('\n');
    expect(lines, output).toHaveLength(36);
    for (const line of lines) expect(line, output).toMatch(/^ended with (138|143)$/);
    expect(lines, output).toContain('ended with 138');
    expect(lines.at(-1), output).toBe('ended with 143');
    await world.run({ argv: [`${world.again}/again`, 'cancel', '--all'] });
  });
}
