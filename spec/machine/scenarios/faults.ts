import { expect, test } from 'vitest';
import { type Bench, expectOneRerun, runEnd } from '../../support/machine/bench.ts';
import { holdLock } from '../../support/machine/held-lock.ts';
import { announcement, notifyOnce, outputOf, type World } from '../../support/machine/world.ts';
import { until } from '../../support/wait.ts';

/** Has Puppet do something to the executable after it has been delivered and before it is called. */
const damage = (world: World, command: string) => `exec { 'damage':
  command => '${command}',
  path    => '/usr/bin:/bin',
  require => File['${world.again}/again'],
  before  => Exec['again'],
}`;

const longDelta = "common::again::delta { 'later': delta => 600 }";

/** The line about one whose content is another one. */
const damaged =
  /^again: AGAIN is damaged \(sha256 [0-9a-f]{64}, not [0-9a-f]{64}\): the next run of Puppet repairs it$/;

/** Faults of a node, as users see them; docs/FAULTS.md has the table. */
export function faultScenarios(bench: Bench): void {
  testDamage(bench, 'is gone', 'rm AGAIN', /^again: AGAIN is missing: run Puppet, which delivers it$/);
  testDamage(bench, 'is cut off', 'truncate --size 1M AGAIN', damaged);

  test('a run that is killed has ended: it is run again', async (context) => {
    const world = await bench.world(context);
    const slow = `exec { '/bin/sleep 60': require => Exec['again'], subscribe => File['${world.trigger}'], refreshonly => true }`;
    const site = await world.write('site.pp', notifyOnce(world, "Exec['again']", slow));
    const run = await world.start({ argv: world.apply(site) });
    await until('the notification', async () => (await world.pending()).length > 0);
    const first = (await world.runs())[0];
    await world.node.signal(first?.run.pid ?? 0, 'SIGKILL');
    await run.ended;
    for (const { pid, argv } of await world.processes()) {
      if (argv[0] === '/bin/sleep') await world.node.signal(pid, 'SIGKILL');
    }
    await until('the rerun', async () => (await world.runs()).length === 2, { seconds: 60 });
  });

  test('a waiter that is killed is told once as lost', async (context) => {
    const world = await bench.world(context);
    const site = await world.write('site.pp', notifyOnce(world, "Common::Again::Delta['later']", longDelta));
    const run = await world.run({ argv: world.apply(site) });
    const { waiter } = announcement(run.output, 'again-delta-later');
    await world.node.signal(waiter, 'SIGKILL');
    await until('its end', async () => (await world.helpers()).length === 0);

    const ask = async (...words: string[]) =>
      (await world.run({ argv: [`${world.again}/again`, ...words] })).stdout;
    expect(await ask('status')).toBe('Nothing is pending.\n');
    expect(await ask('status', '--json')).toBe('[]\n');
    const history = JSON.parse(await ask('history', '--json'));
    expect(history).toEqual([
      expect.objectContaining({
        names: ['later'],
        result: 'not run: lost: its waiter was killed',
        pid: waiter,
      }),
    ]);
  });

  test('a record of a newer version is left as it is: its former waiter ends, and a notification is refused', async (context) => {
    const world = await bench.world(context);
    const site = await world.write('site.pp', notifyOnce(world, "Common::Again::Delta['later']", longDelta));
    announcement((await world.run({ argv: world.apply(site) })).output, 'again-delta-later');
    const records = async () =>
      (await world.node.files.list(`${world.state}/commands`)).filter((name) => name.endsWith('.json'));
    const [name] = await records();
    const record = `${world.state}/commands/${name}`;
    await runEnd(world);
    const newer = `sed 's/"version":2/"version":3/' ${record} >${record}.new && mv ${record}.new ${record}`;
    expect((await world.run({ argv: ['sh', '-c', newer] })).code).toBe(0);
    const content = String(await world.node.files.read(record));
    expect(content).toContain('"version":3');
    await until('the end of the waiter', async () => (await world.helpers()).length === 0, { seconds: 70 });

    await world.node.files.remove(world.trigger);
    const run = await world.run({ argv: world.apply(site) });
    expect(outputOf(run.output, 'again-delta-later')).toEqual([
      `again: ${record} is of a newer version of again (record 3): run Puppet once more, it delivers that`,
    ]);
    expect(await world.helpers()).toEqual([]);
    expect(await records()).toEqual([name]);
    expect(String(await world.node.files.read(record))).toBe(content);
  });

  test("programs that the run's PATH puts before the system's are not started", async (context) => {
    const world = await bench.world(context);
    const site = await world.write('site.pp', notifyOnce(world));
    await world.node.files.makeFolder(world.path('trap'));
    for (const name of ['env', 'setsid', 'prlimit', 'logger', 'systemctl', 'systemd-run', 'again']) {
      await world.write(`trap/${name}`, `#!/bin/sh\necho ${name} >> ${world.path('trapped')}\n`, 0o755);
    }
    const path = `${world.path('trap')}:/usr/sbin:/usr/bin:/sbin:/bin`;
    const run = await world.run({ argv: ['/usr/bin/ruby', ...world.apply(site)], env: { PATH: path } });
    await expectOneRerun(world, run.output);
    expect(await world.node.files.exists(world.path('trapped'))).toBe(false);
  });

  test("somebody else's process with the same command line is not in the way of root's rerun", async (context) => {
    const world = await bench.world(context);
    const site = await world.write('site.pp', notifyOnce(world));
    const hold = await world.write('bin/hold.rb', 'sleep\n', 0o644);
    const other = await world.start({
      argv: world.apply(site),
      wrap: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'env', `RUBYOPT=-r${hold}`],
    });
    await until('a stranger with that command line', async () =>
      (await world.processes()).some(({ pid, argv }) => pid === other.pid && argv.includes(site)),
    );
    const run = await world.run({ argv: world.apply(site) });
    await until('the rerun', async () => (await world.runs()).length === 2, { seconds: 60 });
    expect(announcement(run.output).waiter).toBe((await world.runs())[1]?.run.pid);
    await world.node.signal(other.pid, 'SIGKILL');
    await world.settled(2);
  });

  test("nothing of a run's environment is on the disk, or in what others can see of the waiter", async (context) => {
    const world = await bench.world(context);
    const secret = 'k3ep-0ut';
    const site = await world.write('site.pp', notifyOnce(world, "Common::Again::Delta['later']", longDelta));
    const run = await world.run({ argv: world.apply(site), env: { TOKEN: secret } });
    const { waiter } = announcement(run.output, 'again-delta-later');
    const grep = await world.node.exec({ argv: ['/bin/grep', '-r', '--', secret, world.state] });
    expect([grep.code, grep.output]).toEqual([1, '']);
    const [helper] = await world.helpers();
    expect(helper?.pid).toBe(waiter);
    expect(helper?.argv.join(' ')).not.toContain(secret);
    expect(helper?.environ.split('\0').sort()).toEqual(['', 'MALLOC_ARENA_MAX=1', 'UV_THREADPOOL_SIZE=1']);
    await world.node.signal(waiter, 'SIGTERM');
    await world.settled(1);
  });
}

/** The ones that take long. */
export function slowFaultScenarios(bench: Bench): void {
  testDamage(bench, 'ends at once', 'cp --remove-destination /bin/true AGAIN', damaged);
  testDamage(
    bench,
    "can't be executed",
    'chmod 0644 AGAIN',
    /^again: AGAIN is not executable \(-rw-r--r--\): the next run of Puppet repairs it$/,
  );

  test('a process that is stopped with the lock of the state: others refuse after a while, and say whom to end', async (context) => {
    const world = await bench.world(context);
    const site = await world.write('site.pp', notifyOnce(world));
    const prepared = await world.run({ argv: world.apply('-e', 'include common::again') });
    expect(prepared.code, prepared.output).toBe(0);
    const { lock, pid } = await holdLock(world);
    const run = await world.run({ argv: world.apply(site) });
    expect(outputOf(run.output, 'again')).toEqual([
      `again: ${lock} has been held for 20 s by pid ${pid}, which seems stuck: end that process and try again`,
    ]);
    expect(await world.pending()).toEqual([]);
    expect(await world.helpers()).toEqual([]);
  });
}

function testDamage(bench: Bench, state: string, command: string, line: RegExp): void {
  test(`an executable that ${state}: the Exec fails in one line, and the next run repairs it`, async (context) => {
    const world = await bench.world(context);
    const executable = `${world.again}/again`;
    const broken = damage(world, command.replace('AGAIN', executable));
    const site = await world.write('site.pp', notifyOnce(world, "Exec['again']", broken));
    const run = await world.run({ argv: world.apply(site) });
    const said = outputOf(run.output, 'again');
    expect(said).toHaveLength(1);
    expect(said[0]?.replaceAll(executable, 'AGAIN')).toMatch(line);
    expect(run.output).toContain('returned 1 instead of one of [0]');
    expect(await world.pending()).toEqual([]);

    await world.node.files.remove(world.trigger);
    const sound = await world.write('site.pp', notifyOnce(world));
    announcement((await world.run({ argv: world.apply(sound) })).output);
    await world.settled(3);
  });
}
