import { expect, type TestContext, test } from 'vitest';
import { monotonic } from '../../../src/os/clock.ts';
import { type Bench, runEnd } from '../../support/machine/bench.ts';
import { openSyslog } from '../../support/machine/syslog.ts';
import { announcement, notifyOnce } from '../../support/machine/world.ts';
import { until } from '../../support/wait.ts';

/** Pages of 4 KiB: fewer than what a rerun writes down before it starts. */
const TOO_FEW = 6;

/** No room on the disk. */
export function diskScenarios(bench: Bench): void {
  test('two due times, and no room on the disk when the first falls due: it waits, says so once, leaks nothing, and runs when there is room', async (context) => {
    const { world, syslog, must, ballast } = await openSmallDisk(bench, context);
    const deltas = `common::again::delta { 'one': delta => 10 } common::again::delta { 'two': delta => 3600 }`;
    const targets = "[Common::Again::Delta['one'], Common::Again::Delta['two']]";
    const site = await world.write('site.pp', notifyOnce(world, targets, deltas));
    const run = await world.run({ argv: world.apply(site), wrap: syslog.wrap });
    const { waiter } = announcement(run.output, 'again-delta-one');
    await runEnd(world);
    await world.run({ argv: ['dd', 'if=/dev/zero', `of=${ballast}`, 'bs=4k'] }); // to the end of the disk
    expect(await syslog.line(/^waiting: /)).toMatch(/^waiting: one, two: .*ENOSPC/);

    const descriptors = async () => (await world.node.files.list(`/proc/${waiter}/fd`)).length;
    const before = await descriptors();

    // Wherever the room ends in the middle of a start, there is one process afterwards, and the same files.
    for (let pages = 0; pages <= TOO_FEW; pages += 1) {
      if (pages > 0) await must('truncate', '--size=-4k', ballast);
      const since = performance.now();
      await until('two more tries', () => performance.now() - since > 2200);
      const left = async () => ({
        processes: (await world.helpers()).map(({ pid }) => pid),
        history: await world.node.files.list(`${world.state}/history`),
        logs: await world.node.files.list(`${world.state}/logs`),
      });
      await until(
        `nothing but the waiter, with ${pages} pages`,
        async () => {
          const { processes, history, logs } = await left();
          return processes.length === 1 && processes[0] === waiter && history.length + logs.length === 0;
        },
        { seconds: 10, seen: left },
      );
    }
    // There were more tries than that.
    await until('its descriptors', async () => (await descriptors()) - before < TOO_FEW);
    const status = await must(`${world.again}/again`, 'status');
    expect(status).toMatch(/waits for +.*ENOSPC/);
    expect((await syslog.lines()).filter((line) => line.startsWith('waiting: '))).toHaveLength(1);
    expect(await world.runs()).toHaveLength(1);

    await must('rm', ballast);
    await until('the rerun', async () => (await world.clock()).ends.length === 2, { seconds: 60 });
    expect((await world.runs())[1]?.run.pid).toBe(waiter);
    expect(await must(`${world.again}/again`, 'cancel', '--all')).toBe('Cancelled: two\n');
    await world.settled(2);
  });

  test('no room when the run ends: the waiter says so once, and once more when there is room', async (context) => {
    const { world, syslog, must, ballast } = await openSmallDisk(bench, context);
    const fill = `common::again::delta { 'later': delta => 3600 }
exec { 'dd if=/dev/zero of=${ballast} bs=4k':
  path        => '/usr/bin:/bin',
  returns     => 1,
  refreshonly => true,
  subscribe   => File['${world.trigger}'],
  require     => Common::Again::Delta['later'],
}`;
    const site = await world.write('site.pp', notifyOnce(world, "Common::Again::Delta['later']", fill));
    const run = await world.run({ argv: world.apply(site), wrap: syslog.wrap });
    announcement(run.output, 'again-delta-later');
    expect(await syslog.line(/^waiting: /)).toMatch(/^waiting: later: .*ENOSPC/);
    expect(await must(`${world.again}/again`, 'status')).toMatch(/waits for +.*ENOSPC/);
    const full = monotonic();
    await must('rm', ballast);
    await syslog.line(/^continues: later$/);
    const [name = ''] = await world.pending();
    const noted = JSON.parse((await world.node.files.read(`${world.state}/commands/${name}`)).toString());
    expect(noted.entries[0].runEndedAt, 'its end, and not when there was room to note it').toBeLessThan(full);
    expect((await syslog.lines()).filter((line) => /^(waiting|continues): /.test(line))).toHaveLength(2);
    expect(await must(`${world.again}/again`, 'status')).not.toContain('ENOSPC');
    expect(await must(`${world.again}/again`, 'cancel', '--all')).toBe('Cancelled: later\n');
    await world.settled(1);
  });

  test('no room when a waiter is ended: it says so at once, and its record is told as lost when somebody looks', async (context) => {
    const { world, syslog, must, ballast } = await openSmallDisk(bench, context);
    const delta = "common::again::delta { 'later': delta => 3600 }";
    const site = await world.write('site.pp', notifyOnce(world, "Common::Again::Delta['later']", delta));
    const run = await world.run({ argv: world.apply(site), wrap: syslog.wrap });
    const { waiter } = announcement(run.output, 'again-delta-later');
    await runEnd(world);
    await world.run({ argv: ['dd', 'if=/dev/zero', `of=${ballast}`, 'bs=4k'] });
    await must('kill', String(waiter));
    expect(await syslog.line(/^cancelled: /)).toMatch(/^cancelled: later: its record stays, .*ENOSPC/);
    await until('its end', async () => (await world.helpers()).length === 0);
    await must('rm', ballast);
    expect(await must(`${world.again}/again`, 'status')).toContain('Nothing is pending');
    expect(await must(`${world.again}/again`, 'history')).toContain('not run: lost: its waiter was killed');
    await world.settled(1);
  });
}

/** A world whose state is on a disk of its own, of 256 KiB, and the file that is to fill it; `must` runs a command that has to succeed. */
async function openSmallDisk(bench: Bench, context: TestContext) {
  const world = await bench.world(context);
  const syslog = await openSyslog(world);
  const must = async (...argv: string[]) => {
    const { code, output, stdout } = await world.run({ argv });
    expect(code, output).toBe(0);
    return stdout;
  };
  await must('mount', '-t', 'tmpfs', '-o', 'mode=700,size=256k', 'tmpfs', world.state);
  context.onTestFinished(() => must('umount', '--lazy', world.state).then(() => {}));
  return { world, syslog, must, ballast: `${world.state}/ballast` };
}
