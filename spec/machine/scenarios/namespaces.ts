import { expect, test } from 'vitest';
import type { Bench } from '../../support/machine/bench.ts';
import { shellWords } from '../../support/machine/script.ts';
import { announcement, inContainer, notifyOnce, probe } from '../../support/machine/world.ts';
import { until } from '../../support/wait.ts';

/** Runs in PID namespaces of their own, as in containers. */
export function namespaceScenarios(bench: Bench): void {
  test("`sh -c 'puppet apply s.pp; true'` as pid 1: the line says that the rerun ends with it, and it is told as lost", async (context) => {
    const world = await bench.world(context);
    const site = await world.write(
      'site.pp',
      notifyOnce(world, "Common::Again::Delta['later']", "common::again::delta { 'later': delta => 60 }"),
    );
    const run = await world.run({
      argv: ['sh', '-c', `${shellWords(world.apply(site))}; true`],
      wrap: inContainer,
    });
    expect(run.code, run.output).toBe(0);
    expect(announcementIn(run.output, 'again-delta-later')).toContain(LOST_WITH_PID_1);
    await until('the end of all', async () => (await world.processes()).length === 0);
    // The world is itself in a namespace, as a container is: it can't see whether another one has ended, only that its record has not been touched for minutes.
    const history = () => world.run({ argv: [`${world.again}/again`, 'history', '--json'] });
    expect(JSON.parse((await history()).stdout)).toEqual([]);
    await world.run({ argv: ['sh', '-c', `touch --date='6 minutes ago' ${world.state}/commands/*.json`] });
    expect(JSON.parse((await history()).stdout)).toEqual([
      expect.objectContaining({ result: expect.stringMatching(/^not run: lost: its container/) }),
    ]);
    await world.settled(1);
  });

  test('a shell as pid 1 at which somebody stays: the rerun happens', async (context) => {
    const world = await bench.world(context);
    const site = await world.write('site.pp', notifyOnce(world));
    const stay = `until test -e ${world.path('leave')}; do sleep 0.1; done`;
    const shell = await world.start({
      argv: ['sh', '-c', `${shellWords(world.apply(site))}; ${stay}`],
      wrap: inContainer,
    });
    await until('both runs', async () => (await world.clock()).ends.length === 2, {
      seconds: 200,
      seen: shell.output,
    });
    await world.settled(2);
    await world.write('leave', '');
    expect((await shell.ended).code, shell.output()).toBe(0);
    expect(announcementIn(shell.output())).toContain(LOST_WITH_PID_1);
  });

  test('below an init that stays, such as tini, the line says nothing about pid 1', async (context) => {
    const world = await bench.world(context);
    const site = await world.write('site.pp', notifyOnce(world));
    const init = world.path('bin/tini'); // the kernel names a process by its file
    await world.run({ argv: ['cp', '/bin/dash', init] });
    const run = await world.run({
      argv: [init, '-c', `${shellWords(world.apply(site))}; true`],
      wrap: inContainer,
    });
    expect(announcementIn(run.output)).not.toContain('pid 1 ');
    await until('the end of all', async () => (await world.processes()).length === 0);
  });

  test("two containers with one state folder: neither touches the other's records", async (context) => {
    const world = await bench.world(context);
    const site = await world.write(
      'site.pp',
      `include common::again
common::again::delta { 'later': delta => 3600 }
${probe(world, 'run', "notify => Common::Again::Delta['later'],")}
`,
    );
    const apply = shellWords(world.apply(site));
    const again = `${world.again}/again`;
    const waitFor = (name: string) => `until test -e ${world.path(name)}; do sleep 0.1; done`;
    const container = (...commands: string[]) =>
      world.start({ argv: ['sh', '-euc', commands.join('\n')], wrap: inContainer });
    const one = await container(
      apply,
      waitFor('ask'),
      `${again} status --json >${world.path('one')}.tmp; mv ${world.path('one')}.tmp ${world.path('one')}`,
      waitFor('leave'),
    );
    await until('the first record', async () => (await world.pending()).length === 1, {
      seconds: 200,
      seen: one.output,
    });
    const [waiter] = await world.helpers();

    // The same command, in another container of the same machine: asked, recorded and cancelled beside the first.
    const two = await container(apply, `${again} status --json`, `${again} cancel --all`);
    expect((await two.ended).code, two.output()).toBe(0);
    expect(two.output()).toContain('Cancelled: later\n');
    expect(await world.pending()).toHaveLength(1);
    await world.write('ask', '');
    await until('an answer from the first', () => world.node.files.exists(world.path('one')));
    const status = JSON.parse((await world.node.files.read(world.path('one'))).toString());
    expect(status).toEqual([expect.objectContaining({ name: 'later' })]);
    expect((await world.helpers()).map(({ pid }) => pid)).toEqual([waiter?.pid]);

    // Nor does the machine itself, which sees both.
    const outside = await world.run({ argv: [again, 'status', '--json'] });
    expect(outside.stdout).toBe('[]\n');
    const history = await world.run({ argv: [again, 'history', '--json'] });
    expect(JSON.parse(history.stdout)).toEqual([]);
    expect(await world.pending()).toHaveLength(1);
    await world.write('leave', '');
    await one.ended;
  });
}

/** The line below a shell that is process 1, with the two ways out. */
const LOST_WITH_PID_1 =
  ', unless pid 1 (`sh -c ...`) ends first: this container ends with it, and the rerun is lost (`again run`, or `again wait` before that end, keeps it); waiter pid ';

/** The one line of the Exec; its pid is one of the namespace. */
function announcementIn(output: string, exec = 'again'): string {
  return announcement(output, exec).line;
}
