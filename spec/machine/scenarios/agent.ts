import { expect, test } from 'vitest';
import { openAgent } from '../../support/machine/agent.ts';
import { type Bench, expectOneRerun, fallDue, hurry } from '../../support/machine/bench.ts';
import { expectAgentCommand } from '../../support/machine/same-run.ts';
import { announcement, notifyOnce, probe, type World } from '../../support/machine/world.ts';
import { until } from '../../support/wait.ts';

/** `puppet agent`, in all the modes in which people run it, against a Puppet Server. */
export function agentScenarios(bench: Bench): void {
  test('agent --test', async (context) => {
    const { world, command } = await openAgent(bench, context);
    const first = await world.run({ argv: command('--test'), env: { LANG: 'de_DE', LC_ALL: 'de_DE' } });
    expect(first.code, first.output).toBe(2);
    const { run, rerun, log } = await expectOneRerun(world, first.output);
    expectAgentCommand(rerun, run, bench.puppet);
    expect(log).toContain('Retrieving plugin'); // --test is verbose, and so is its rerun
  });

  test('agent --onetime in the foreground, with a job id that belongs to it alone', async (context) => {
    const { world, command } = await openAgent(bench, context, { inConfigurationFile: true });
    const first = await world.run({
      argv: command('--onetime', '--no-daemonize', '--verbose', '--job-id', '4711'),
      wrap: [
        'env',
        '--ignore-signal=HUP',
        '--ignore-signal=QUIT',
        '--ignore-signal=PIPE',
        'prlimit',
        '--nofile=1024:4096',
      ],
    });
    expect(first.code, first.output).toBe(0);
    const { run, rerun, log } = await expectOneRerun(world, first.output);
    expectAgentCommand(rerun, run, bench.puppet);
    expect(rerun.argv).not.toContain('4711');
    expect(rerun.limits).toMatch(/^Max open files +1024 +4096 /m);
    const [before, after] = await world.runs();
    expect(after?.child.status.get('SigIgn')).toBe(before?.child.status.get('SigIgn'));
    expect(log).toContain('Retrieving plugin');
  });

  test('agent --onetime in the background, with splay', async (context) => {
    const { world, command } = await openAgent(bench, context);
    const first = await world.run({
      argv: command('--onetime', '--splay', '--splaylimit', '2', '--logdest', world.path('agent.log')),
    });
    expect(first.code, first.output).toBe(0);
    const logdest = world.path('agent.log');
    const output = async () =>
      (await world.node.files.exists(logdest)) ? String(await world.node.files.read(logdest)) : '';
    await until('the end of the run', async () => (await world.runs()).length > 1, {
      seconds: 300,
      seen: output,
    });
    const { run, rerun, log } = await expectOneRerun(world, await output(), { logdest });
    expectAgentCommand(rerun, run, bench.puppet);
    expect(rerun.argv.lastIndexOf('--no-splay')).toBeGreaterThan(rerun.argv.indexOf('--splay'));
    expect(log.match(/Applied catalog in/g)).toHaveLength(2);
  });

  test('the daemon in the foreground', async (context) => {
    const { world, command } = await openAgent(bench, context);
    const daemon = await world.start({
      argv: command('--no-daemonize', '--verbose'),
      wrap: ['env', '--block-signal=USR2', 'nice', '-n', '3'],
    });
    await until('the rerun', async () => (await world.runs()).length > 1, {
      seconds: 300,
      seen: daemon.output,
    });
    const { run, rerun } = await expectOneRerun(world, daemon.output(), { daemon: true });
    expectAgentCommand(rerun, run, bench.puppet);
    expect(run.pid, 'its run is a child of the daemon').toBe(daemon.pid);
    expect(rerun.nice).toBe(3);
    await stop(world, daemon.pid);
  });

  test('the daemon in the background: a run that SIGUSR1 asks for', async (context) => {
    const { world, command, compiles } = await openAgent(bench, context);
    await compiles("notify { 'nothing to do': }\n");
    const log = world.path('agent.log');
    const text = async () =>
      (await world.node.files.exists(log)) ? (await world.node.files.read(log)).toString() : '';
    const start = await world.run({ argv: command('--logdest', log) });
    expect(start.code, start.output).toBe(0);
    await until('the first run', async () => /Applied catalog in/.test(await text()), {
      seconds: 300,
      seen: text,
    });
    const pidfile = await until('the pid file', async () => {
      const name = world.path('run/agent.pid');
      return (await world.node.files.exists(name)) && (await world.node.files.read(name)).toString();
    });
    const daemon = Number(pidfile);

    await compiles(notifyOnce(world));
    await world.node.signal(daemon, 'SIGUSR1');
    await until('the rerun', async () => (await world.runs()).length > 1, { seconds: 300, seen: text });
    const { run, rerun } = await expectOneRerun(world, await text(), { daemon: true, logdest: log });
    expectAgentCommand(rerun, run, bench.puppet);
    expect([run.pid, rerun.cwd]).toEqual([daemon, '/']);
    expect((await text()).match(/Applied catalog in/g)).toHaveLength(3);
    await stop(world, daemon);
  });

  test('a daemon whose title is translated, and longer than its arguments', async (context) => {
    const { world, command } = await openAgent(bench, context, { inConfigurationFile: true });
    const daemon = await world.start({
      argv: command('--no-daemonize', '--verbose'),
      env: {
        RUBYOPT: `-r${world.path('bin/clock.rb')} -r${world.path('bin/long_title.rb')}`,
        AFTER: 'x'.repeat(100),
      },
    });
    await until('the rerun', async () => (await world.runs()).length > 1, {
      seconds: 300,
      seen: daemon.output,
    });
    const [record] = await world.runs();
    expect(record?.run.argv[0]).toContain('die Konfiguration wird angewandt');
    expect(record?.run.environ.equals(record.parent.environ), 'the title has run over the environment').toBe(
      false,
    );
    const { run, rerun } = await expectOneRerun(world, daemon.output(), { daemon: true });
    expectAgentCommand(rerun, run, bench.puppet);
    await stop(world, daemon.pid);
  });

  test('an agent that lacks the executable fetches it once, packed, and asks nothing about it later', {
    retry: 0,
  }, async (context) => {
    const { world, command, compiles, asked } = await openAgent(bench, context, { delivered: false });
    await compiles('include common::again\n');
    const first = await world.run({ argv: command('--test') });
    expect(first.code, first.output).toBe(2);
    const fetched = await asked('modules/common/again');
    expect(fetched.filter(({ line }) => line.includes('/file_content/'))).toHaveLength(1);
    expect(fetched.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(42e6);

    const second = await world.run({ argv: command('--test') });
    expect(second.code, second.output).toBe(0);
    expect(await asked('modules/common/again')).toEqual(fetched);
    const verified = await world.run({ argv: [`${world.again}/again`, 'verify'] });
    expect(verified.code, verified.output).toBe(0);
  });

  testLock(bench, true);

  test('while the agent is disabled, the waiter waits', async (context) => {
    const { world, command, compiles } = await openAgent(bench, context);
    await compiles(notifyOnce(world, "Common::Again::Delta['later']", later(3600)));
    const first = await world.run({ argv: command('--test') });
    const { waiter } = announcement(first.output, 'again-delta-later');
    const disabled = await world.run({ argv: command('--disable', 'for a test') });
    expect(disabled.code, disabled.output).toBe(0);
    expect((await world.helpers()).map(({ pid }) => pid)).toEqual([waiter]);
    await hurry(world);
    const noted = async () => {
      const [name] = await world.pending();
      return (await world.node.files.read(`${world.state}/commands/${name}`)).toString();
    };
    await until('the waiter to note it', async () => (await noted()).includes('"heldUpBy":"disabled"'), {
      seen: noted,
    });
    expect((await world.helpers()).map(({ pid }) => pid)).toEqual([waiter]);

    const enabled = await world.run({ argv: command('--enable') });
    expect(enabled.code, enabled.output).toBe(0);
    await expectOneRerun(world, first.output, { exec: 'again-delta-later' });
  });

  test('while the agent is disabled, `again run` waits, too', async (context) => {
    const { world, command, compiles } = await openAgent(bench, context);
    const disable = `exec { '/bin/sh -c "${command('--disable').join(' ')}"':
  provider    => 'posix',
  refreshonly => true,
  subscribe   => File['${world.trigger}'],
}`;
    await compiles(notifyOnce(world, "Exec['again']", disable));
    const run = await world.start({ argv: [`${world.again}/again`, 'run', '--', ...command('--test')] });
    await until(
      'it to say so',
      () => run.output().includes('again run: waits for `puppet agent --enable`\n'),
      { seconds: 200, seen: run.output },
    );
    expect(await world.runs()).toHaveLength(1);
    expect((await world.run({ argv: command('--enable') })).code).toBe(0);
    const { code, output } = await run.ended;
    expect(code, output).toBe(2); // the probe is a change
    expect(await world.runs()).toHaveLength(2);
  });
}

/** The ones that take long. */
export function slowAgentScenarios(bench: Bench): void {
  testLock(bench, false);

  test('in the foreground: a rerun waits for the run of a daemon that has the lock; a first run is skipped by Puppet itself, as without `again run`', {
    retry: 0,
  }, async (context) => {
    const { world, command, compiles, lock } = await openAgent(bench, context);
    const again = `${world.again}/again`;
    const inForeground = [again, 'run', '--', ...command('--test')];
    const manifest = notifyOnce(world, "Common::Again::Delta['later']", later(500));
    await compiles(manifest);
    const run = await world.start({ argv: inForeground });
    await until('the countdown', () => run.output().includes('again run: next run (later) in'), {
      seconds: 200,
      seen: run.output,
    });

    const hold = `/bin/sh -c "until test -e ${world.path('go')}; do sleep 0.1; done"`;
    await compiles(`${probe(world, 'other')}\nexec { '${hold}': require => Exec['probe other'] }\n`);
    const daemon = await world.start({ argv: command('--no-daemonize', '--verbose') });
    await until('its run', async () => (await world.runs('other')).length > 0, { seen: daemon.output });
    const holder = Number(await world.node.files.read(lock));
    const skipped = await world.run({ argv: inForeground });
    expect(skipped.code, skipped.output).toBe(1);
    expect(skipped.output).toMatch(/already in progress/);

    await compiles(manifest);
    expect((await world.run({ argv: [again, 'now', 'later'] })).stdout).toBe('Due now: later\n');
    const waits = `again run: waits for another Puppet run, pid ${holder}\n`;
    await until('its line', () => run.output().includes(waits), { seen: run.output });
    expect(await world.runs()).toHaveLength(1);
    await world.write('go', '');
    const { code, output } = await run.ended;
    expect(code, output).toBe(2); // its probe is a change in each run
    expect(await world.runs()).toHaveLength(2);
    expect(output).not.toMatch(/skipping|already in progress/i);
    expect(await world.helpers()).toEqual([]);
    await stop(world, daemon.pid);
  });
}

/** @param inConfigurationFile whether puppet.conf says where the lock is, and not an argument */
function testLock(bench: Bench, inConfigurationFile: boolean): void {
  const where = inConfigurationFile ? 'puppet.conf' : 'arguments';
  test(`the lock file of a dead run doesn't hold the rerun; vardir from ${where}`, {
    retry: 0,
  }, async (context) => {
    const { world, command, compiles, lock } = await openAgent(bench, context, { inConfigurationFile });
    await compiles(notifyOnce(world, "Common::Again::Delta['later']", later(2)));
    const first = await world.run({ argv: command('--test') });
    expect(first.code, first.output).toBe(2);
    const dead = await world.run({ argv: ['sh', '-c', 'echo $$'] });
    await world.node.files.write(lock, dead.stdout.trim());
    const { run, rerun } = await expectOneRerun(world, first.output, { exec: 'again-delta-later' });
    expectAgentCommand(rerun, run, bench.puppet);
  });

  test(`the lock of a live run holds the rerun until that run has ended; vardir from ${where}`, {
    retry: 0,
  }, async (context) => {
    const { world, command, compiles, lock } = await openAgent(bench, context, { inConfigurationFile });
    const manifest = notifyOnce(world, "Common::Again::Delta['later']", later(3600));
    await compiles(manifest);
    const first = await world.run({ argv: command('--test') });
    expect(first.code, first.output).toBe(2);
    const { waiter } = announcement(first.output, 'again-delta-later');

    // Another run, by another command. It takes the lock before the rerun is due, which is when `again now` is called, and still has it then.
    const hold = `/bin/sh -c "until test -e ${world.path('go')}; do sleep 0.1; done"`;
    await compiles(`${probe(world, 'other')}\nexec { '${hold}': require => Exec['probe other'] }\n`);
    const other = await world.start({ argv: command('--onetime', '--no-daemonize', '--verbose') });
    await until('the other run', async () => (await world.runs('other')).length > 0, {
      seen: other.output,
    });
    expect(Number(await world.node.files.read(lock))).toBe(other.pid);
    await compiles(manifest);
    expect(await fallDue(world, other)).toEqual({ kind: 'lock', pid: other.pid });
    expect((await world.helpers()).map(({ pid }) => pid)).toEqual([waiter]);
    expect(await world.runs()).toHaveLength(1);

    await world.write('go', '');
    expect((await other.ended).code, other.output()).toBe(0);
    const { run, rerun, log } = await expectOneRerun(world, first.output, { exec: 'again-delta-later' });
    expectAgentCommand(rerun, run, bench.puppet);
    expect(log).not.toMatch(/skipping|already in progress/i);
  });
}

const later = (seconds: number) => `common::again::delta { 'later': delta => ${seconds} }`;

async function stop(world: World, daemon: number): Promise<void> {
  await world.node.signal(daemon, 'SIGTERM');
  await until('the end of the daemon', async () =>
    (await world.node.processes()).every(({ pid, state }) => pid !== daemon || state === 'Z'),
  );
}
