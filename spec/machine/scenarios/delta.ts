import { expect, test } from 'vitest';
import { type Bench, expectNothingScheduled, expectOneRerun } from '../../support/machine/bench.ts';
import { hasPendingSignals } from '../../support/machine/sockets-and-signals.ts';
import { announcement, notifyOnce, probe, type World } from '../../support/machine/world.ts';
import { until } from '../../support/wait.ts';

const declare = (parameters: string, name = 'later') => `common::again::delta { '${name}': ${parameters} }`;
const later = "Common::Again::Delta['later']";

/** `common::again::delta`: when the rerun comes, and how to call it off. */
export function deltaScenarios(bench: Bench): void {
  test('delta => 5: five seconds after the end of the run', async (context) => {
    const world = await bench.world(context);
    const slow = `exec { '/bin/sleep 2': require => File['${world.trigger}'] }`;
    const site = await world.write('site.pp', notifyOnce(world, later, `${declare('delta => 5')}\n${slow}`));
    const first = await world.run({ argv: world.apply(site) });
    await expectOneRerun(world, first.output, { exec: 'again-delta-later' });

    const { starts, ends } = await world.clock();
    expect(starts).toHaveLength(2);
    const wait = (starts[1]?.at ?? 0) - (ends[0]?.at ?? 0);
    expect(wait).toBeGreaterThanOrEqual(5);
    expect(wait, 'how late, the bench measures; this machine may be busy').toBeLessThan(30);
  });

  test('start_timer_now: twenty seconds after the notification, and the run may go on meanwhile', async (context) => {
    const world = await bench.world(context);
    const body = `${declare("delta => '20', start_timer_now => true")}
${probe(world, 'before', `before => ${later}`)}
${probe(world, 'after', `require => ${later}`)}
exec { '/bin/sleep 12': require => Exec['probe after'] }`;
    const site = await world.write('site.pp', notifyOnce(world, later, body));
    const first = await world.run({ argv: world.apply(site) });
    await expectOneRerun(world, first.output, { exec: 'again-delta-later' });

    const { starts, ends } = await world.clock();
    const [before, after] = [(await world.runs('before'))[0], (await world.runs('after'))[0]];
    const start = starts[1]?.at ?? 0;
    expect(starts).toHaveLength(2);
    expect(start - (before?.uptime ?? 0)).toBeGreaterThanOrEqual(20);
    const due = Math.max((after?.uptime ?? 0) + 20, ends[0]?.at ?? 0); // a slow machine may still be at it
    expect(start - due, 'not counted from the end of the run, 12 s later').toBeLessThan(10);
  });

  test('start_timer_now and a run that outlives the delta: as soon as the run has ended', async (context) => {
    const world = await bench.world(context);
    const body = `${declare('delta => 10, start_timer_now => true')}
exec { '/bin/sleep 11': require => ${later} }`;
    const site = await world.write('site.pp', notifyOnce(world, later, body));
    const first = await world.run({ argv: world.apply(site) });
    await expectOneRerun(world, first.output, { exec: 'again-delta-later' });

    const { starts, ends } = await world.clock();
    const wait = (starts[1]?.at ?? 0) - (ends[0]?.at ?? 0);
    expect(starts).toHaveLength(2);
    expect(wait).toBeGreaterThan(0);
    expect(wait, 'not counted from the end of the run').toBeLessThan(10);
  });

  testCancelled(bench, 'SIGTERM');

  test('the waiter survives the end of its terminal', async (context) => {
    const world = await bench.world(context);
    const site = await world.write('site.pp', notifyOnce(world, later, declare('delta => 3')));
    const session = `${world.apply(site).join(' ')} >${world.path('out')} 2>&1 && touch ${world.path('done')}; sleep 600`;
    const terminal = await world.start({
      argv: ['script', '--quiet', '--flush', '--command', session, '/dev/null'],
    });
    await until('the end of the first run', () => world.node.files.exists(world.path('done')), {
      seen: terminal.output,
    });

    // Without its master side, the kernel hangs the terminal up.
    await world.node.signal(terminal.pid, 'SIGKILL');
    await until('the hang-up of the session', async () =>
      (await world.processes()).every(({ argv }) => !argv.join(' ').includes('sleep 600')),
    );
    expect(await world.helpers()).toHaveLength(1);
    const output = (await world.node.files.read(world.path('out'))).toString();
    await world.settled(2);
    const log = await world.node.files.read(announcement(output, 'again-delta-later').log);
    expect(log.toString()).toMatch(/Applied catalog in/);
  });
}

/** What differs little from the ones above. */
export function slowDeltaScenarios(bench: Bench): void {
  testCancelled(bench, 'SIGINT');
}

function testCancelled(bench: Bench, signal: string): void {
  test(`${signal} cancels a waiter, which ps shows with its name and delta and no secret; SIGHUP doesn't`, async (context) => {
    const world = await bench.world(context);
    const site = await world.write(
      'site.pp',
      notifyOnce(world, "Common::Again::Delta['my own name']", declare('delta => 3600', 'my own name')),
    );
    const first = await world.run({ argv: world.apply(site), env: { SECRET: 'do-not-show-me' } });
    const { waiter } = announcement(first.output, 'again-delta-my own name');
    const [helper, ...others] = await world.helpers();
    expect(others).toEqual([]);
    expect({ pid: helper?.pid, comm: helper?.comm }).toEqual({ pid: waiter, comm: 'again' });
    expect(helper?.argv.join(' ')).toMatch(/my own name.*3600/);
    expect(helper?.argv.join(' ')).not.toContain('do-not-show-me');
    expect(helper?.session, 'a session of its own').toBe(waiter);
    expect(await world.pending()).toHaveLength(1);
    expect(await filesThatHold(world, 'do-not-show-me'), 'no secret on the disk').toEqual([]);

    await world.node.signal(waiter, 'SIGHUP');
    await until('SIGHUP to be taken', async () => !(await hasPendingSignals(world, waiter, 1)));
    expect((await world.helpers()).map(({ pid }) => pid)).toEqual([waiter]);

    await world.node.signal(waiter, signal);
    await until('the end of the waiter', async () => (await world.helpers()).length === 0, { seconds: 5 });
    await expectNothingScheduled(world);
  });
}

/** By how many seconds this machine is slower than an idle one to start a Ruby, as the first run has shown. */
export async function slowness(world: World): Promise<number> {
  const [[first], { starts }] = [await world.runs(), await world.clock()];
  const ticksPerSecond = 100; // USER_HZ, the same on every Linux
  const latency = (starts[0]?.at ?? 0) - (first?.run.startTime ?? 0) / ticksPerSecond;
  return Math.max(0, latency - 0.2);
}

async function filesThatHold(world: World, text: string): Promise<string[]> {
  const { stdout } = await world.node.exec({
    argv: ['/bin/grep', '-rlsF', '--exclude=again', '--', text, world.again],
  });
  return stdout.split('\n').filter(Boolean);
}
