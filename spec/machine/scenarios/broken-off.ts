import { expect, test } from 'vitest';
import { openAgent } from '../../support/machine/agent.ts';
import type { Bench } from '../../support/machine/bench.ts';
import type { Started } from '../../support/machine/node.ts';
import { spans } from '../../support/machine/one-at-a-time.ts';
import { openSyslog, type Syslog } from '../../support/machine/syslog.ts';
import { notifyOnce, type World } from '../../support/machine/world.ts';
import { until } from '../../support/wait.ts';

/** Runs that are ended by a person, or by a time limit, after they have notified. */
export function brokenOffScenarios(bench: Bench): void {
  test('Ctrl-C on `puppet apply` after a notification: its report says so, and the rerun comes 30 s later', async (context) => {
    const world = await bench.world(context);
    const syslog = await openSyslog(world);
    const site = await world.write('site.pp', notifyAndHang(world));
    const run = await world.start({ argv: world.apply(site), wrap: syslog.wrap });
    await breakOff(world, run, 'SIGINT');
    await expectHeldBack(world, syslog);
    await world.settled(2);
    const [first, rerun] = await spans(world);
    expect((rerun?.from ?? 0) - (first?.to ?? 0)).toBeGreaterThanOrEqual(29.5);
    const [log = ''] = await world.node.files.list(`${world.state}/logs`);
    expect((await world.node.files.read(`${world.state}/logs/${log}`)).toString()).toMatch(
      /^again: \S+ runs puppet apply .*, no sooner than 30 s after a run that was aborted\n/,
    );
  });

  test('`timeout` on `puppet apply` after a notification: the rerun is put off for 30 s', async (context) => {
    const world = await bench.world(context);
    const syslog = await openSyslog(world);
    const site = await world.write('site.pp', notifyAndHang(world));
    const run = await world.start({ argv: ['timeout', '600', ...world.apply(site)], wrap: syslog.wrap });
    // To `timeout` itself this signal says that its time is over (timer_create(2)): it sends SIGTERM to Puppet.
    await breakOff(world, run, 'SIGALRM');
    expect((await run.ended).code, run.output()).toBe(124);
    await expectHeldBack(world, syslog);
    await cancelAll(world);
  });

  test('`timeout -s KILL` on `puppet apply` leaves no trace of it, so its rerun comes after the grace', async (context) => {
    const world = await bench.world(context);
    const site = await world.write('site.pp', notifyAndHang(world));
    const run = await world.start({ argv: ['timeout', '-s', 'KILL', '600', ...world.apply(site)] });
    await breakOff(world, run, 'SIGALRM');
    // It ends by that signal itself: a shell says 137.
    expect((await run.ended).signal, run.output()).toBe('SIGKILL');
    await world.settled(2);
    const [log = ''] = await world.node.files.list(`${world.state}/logs`);
    expect((await world.node.files.read(`${world.state}/logs/${log}`)).toString()).toMatch(
      /^again: \S+ runs puppet apply [^,\n]+\n/,
    );
  });

  test('Ctrl-C on `puppet agent -t` after a notification: the rerun is put off for 30 s', async (context) => {
    const { world, command, compiles } = await openAgent(bench, context);
    const syslog = await openSyslog(world);
    await compiles(notifyAndHang(world));
    const run = await world.start({ argv: command('-t'), wrap: syslog.wrap });
    await breakOff(world, run, 'SIGINT');
    await expectHeldBack(world, syslog);
    await cancelAll(world);
  });

  test('`puppet agent -t` that is killed after a notification leaves its lock behind: the rerun is put off for 30 s', async (context) => {
    const { world, command, compiles, lock } = await openAgent(bench, context);
    const syslog = await openSyslog(world);
    await compiles(notifyAndHang(world));
    const run = await world.start({ argv: command('-t'), wrap: syslog.wrap });
    await breakOff(world, run, 'SIGKILL');
    expect(Number(await world.node.files.read(lock))).toBe(run.pid);
    await expectHeldBack(world, syslog);
    await cancelAll(world);
  });
}

/** The first run notifies, and then does not end by itself. */
function notifyAndHang(world: World): string {
  const hang = `exec { '/bin/sleep 600':
  refreshonly => true,
  subscribe   => File['${world.trigger}'],
  require     => Exec['again'],
}`;
  return notifyOnce(world, "Exec['again']", hang);
}

/** Signals a run and what it has started, as a terminal does, once it has notified and hangs. */
async function breakOff(world: World, run: Started, signal: string): Promise<void> {
  const sleeper = await until(
    'the run to hang',
    async () => (await world.processes()).find(({ argv }) => argv.join(' ') === '/bin/sleep 600'),
    { seconds: 200, seen: run.output },
  );
  await world.node.signal(run.pid, signal);
  // `timeout` passes it on a moment later: Puppet must not have gone on by then.
  if (signal === 'SIGALRM') await run.ended;
  await world.node.signal(sleeper.pid, 'SIGKILL');
  await run.ended;
}

async function expectHeldBack(world: World, syslog: Syslog): Promise<void> {
  await syslog.line(/^waiting: /);
  const status = () => world.run({ argv: [`${world.again}/again`, 'status'] });
  await until('again status to say why', async () => /that was aborted/.test((await status()).stdout), {
    seen: status,
  });
  const waiting = (await syslog.lines()).filter((line) => line.startsWith('waiting: '));
  expect(waiting).toEqual([
    expect.stringMatching(
      /^waiting: Exec\['again'\]: the run was aborted at \S+, so no rerun starts before 30 s have passed$/,
    ),
  ]);
  expect(await world.runs()).toHaveLength(1);
  expect(await world.helpers()).toHaveLength(1);
}

async function cancelAll(world: World): Promise<void> {
  const cancelled = await world.run({ argv: [`${world.again}/again`, 'cancel', '--all'] });
  expect(cancelled.output).toBe("Cancelled: Exec['again']\n");
  await world.settled(1);
}
