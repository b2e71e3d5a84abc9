import { describe, expect, test } from 'vitest';
import type { Past } from '../../src/cli/history.ts';
import type { ShownHold } from '../../src/cli/hold.ts';
import type { Pending } from '../../src/cli/pending.ts';
import { openSyslog } from '../support/machine/syslog.ts';
import { announcement, notifyOnce } from '../support/machine/world.ts';
import { until } from '../support/wait.ts';
import { converges } from './foreground.ts';
import { expectRefusal, held, hold as keep, type Place, people } from './people.ts';

const { place } = people();
const later = "Common::Again::Delta['later']";
const delta = (seconds: number) => `common::again::delta { 'later': delta => ${seconds} }\n`;
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** Waits until the first of what is pending waits for something. */
function waitsFor({ json }: Place, kind: string): Promise<Pending> {
  return until(
    `what is pending to wait for ${kind}`,
    async () => {
      const [pending] = await json<Pending[]>('status');
      return pending?.waitsFor.kind === kind && pending;
    },
    { seen: () => json('status') },
  );
}

describe('again hold', () => {
  test('keeps what is due from starting, says so everywhere, and release starts it', async (context) => {
    const here = await place(context);
    const { world } = here;
    expect((await here.apply('include common::again')).code).toBe(0);
    expect((await here.again(['status', '--hold'])).stdout).toBe('Nothing is held.\n');
    expect(await here.json('status', '--hold')).toBeNull();
    expect((await here.again(['release'])).stdout).toBe('Nothing was held.\n');

    const said = await here.again(['hold', '--for', '2h', 'kernel', 'update', '7']);
    expect(said).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^Held until \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ \(kernel update 7\): no rerun starts before that, or `again release`\.\n$/,
      ),
      stderr: '',
    });
    const shown = await here.json<ShownHold>('status', '--hold');
    expect(shown).toEqual({
      since: expect.stringMatching(ISO),
      until: expect.stringMatching(ISO),
      reason: 'kernel update 7',
    });
    expect(Date.parse(shown.until) - Date.parse(shown.since)).toBe(7_200_000);
    expect((await here.again(['status'])).stdout).toMatch(
      /^Held until .*\n.*\n {2}reason +kernel update 7\n.*\n\nNothing is pending\.\n$/,
    );

    const syslog = await openSyslog(world);
    const site = await world.write('site.pp', notifyOnce(world, later, delta(0)));
    const env = { FACTER_puppet_vardirtmp: world.path('base') };
    const run = await world.run({ argv: world.apply(site), env, wrap: syslog.wrap });
    const { waiter, line } = announcement(run.output, 'again-delta-later');
    expect(line).toMatch(
      /, but not before the end of the hold at \S+Z \(kernel update 7\), or `again release`; waiter/,
    );
    expect(await waitsFor(here, 'hold')).toMatchObject({
      dueIn: 0,
      pid: waiter,
      waitsFor: { kind: 'hold', ...shown },
      hold: shown,
    });
    expect((await here.again(['status'])).stdout).toMatch(/waits for +the end of the hold at /);
    expect(await syslog.line(/^waiting: later: /)).toMatch(
      /for the end of the hold at \S+Z \(kernel update 7\), or `again release`$/,
    );
    const fact = await world.run({
      argv: [
        ...[world.puppet.command, 'facts', 'show', 'again', '--render-as', 'json'],
        ...['--confdir', world.path('conf')],
      ],
      env,
    });
    expect(JSON.parse(fact.stdout).again.hold).toMatchObject({ reason: 'kernel update 7' });

    const released = await here.again(['release']);
    expect(released.stdout).toMatch(/^Released: the hold until .* \(kernel update 7\) is over\.\n$/);
    await syslog.line(/^started: later: /);
    const [, rerun] = await world.settled(2);
    expect(rerun?.run.pid).toBe(waiter);
    expect(await here.json('status', '--hold')).toBeNull();
  });

  test('ends by itself, and a later one takes the place of an earlier one', async (context) => {
    const here = await place(context);
    const { world } = here;
    expect((await here.apply('include common::again')).code).toBe(0);
    await here.again(['hold']);
    const whole = await here.json<ShownHold>('status', '--hold');
    expect(whole).not.toHaveProperty('reason');
    expect(Date.parse(whole.until) - Date.parse(whole.since)).toBe(8 * 3_600_000);
    const first = await here.apply(notifyOnce(world, later, delta(0)));
    expect(first.code, first.output).toBe(0);
    await waitsFor(here, 'hold');
    const { stdout } = await here.again(['hold', '--for', '5']);
    const [, end = ''] = /^Held until (.+?): /.exec(stdout) ?? [];
    await world.settled(2);
    const [past] = await here.json<Past[]>('history');
    expect(Date.parse(past?.start ?? '')).toBeGreaterThanOrEqual(Date.parse(end));
  });

  test('a run that somebody starts meanwhile satisfies what is due', async (context) => {
    const here = await place(context);
    const { world } = here;
    expect((await here.apply('include common::again')).code).toBe(0);
    await here.again(['hold']);
    const manifest = notifyOnce(world, later, `${delta(0)}${keep(world)}`);
    expect((await here.apply(manifest)).code).toBe(0);
    await waitsFor(here, 'hold');
    await world.node.files.remove(world.path('held'));
    await world.write('hold', '');
    const other = await here.startApply(manifest);
    await held(world, other);
    expect(await waitsFor(here, 'lock')).toMatchObject({ waitsFor: { pid: other.pid } });
    await world.node.files.remove(world.path('hold'));
    await other.ended;
    await until('nothing to be pending', async () => (await here.json<Pending[]>('status')).length === 0);
    await here.again(['release']);
    await world.settled(2);
  });

  test('refuses a time and a reason that are none', async (context) => {
    const here = await place(context);
    expect((await here.apply('include common::again')).code).toBe(0);
    for (const wrong of ['0', '31d', 'tomorrow', '-1h', '1.5h'])
      expectRefusal(await here.again(['hold', `--for=${wrong}`]), 64, `--for "${wrong}": must be a time`);
    expectRefusal(await here.again(['hold', 'two\nlines']), 64, 'must be 1 to 255 characters on one line');
    expectRefusal(await here.again(['hold', '--for']), 64, '');
    expectRefusal(await here.again(['release', 'now']), 64, '');
    expect(await here.json('status', '--hold')).toBeNull();
  });
});

describe('again now', () => {
  test('starts what waits for its timer, by its name or all of it', async (context) => {
    const here = await place(context);
    const { world } = here;
    const deltas = "common::again::delta { ['later', 'latest']: delta => 3600 }\n";
    const run = await here.apply(notifyOnce(world, `[${later}, Common::Again::Delta['latest']]`, deltas));
    expect(run.code, run.output).toBe(0);
    expectRefusal(await here.again(['now', 'nobody']), 1, 'nothing is pending under the name "nobody"');
    expect((await here.again(['now', 'later'])).output).toBe('Due now: later\n');
    await until('the rerun', async () => (await world.runs()).length === 2, { seconds: 60 });
    const [left, ...others] = await until('the other to be left', async () => {
      const pending = await here.json<Pending[]>('status');
      return pending.length === 1 && pending;
    });
    expect([left?.name, others]).toEqual(['latest', []]);
    expect((await here.again(['now'])).output).toBe('Due now: latest\n');
    await world.settled(3);
    expect((await here.again(['now'])).output).toBe('Nothing is pending.\n');
  });

  test('starts what waits for a condition that does not hold, and leaves what waits for another one', async (context) => {
    const here = await place(context);
    const { world } = here;
    const whens = `common::again::when { ['ready', 'other']:
  exists   => '/nonexistent',
  succeeds => 'false',
  interval => 1,
}
`;
    const targets = "[Common::Again::When['ready'], Common::Again::When['other']]";
    const run = await here.apply(notifyOnce(world, targets, whens));
    const { waiter } = announcement(run.output, 'again-when-ready');
    expect(await waitsFor(here, 'condition')).toMatchObject({ dueIn: null, condition: { met: false } });
    expect((await here.again(['now', 'ready'])).output).toBe('Due now: ready\n');
    const rerun = await until('the rerun', async () => (await world.runs())[1]);
    expect(rerun.run.pid).toBe(waiter);
    const left = await until(
      'the other to be left',
      async () => {
        const pending = await here.json<Pending[]>('status');
        return pending.length === 1 && pending;
      },
      { seen: () => here.json('status') },
    );
    expect(left).toMatchObject([{ name: 'other', dueIn: null, condition: { met: false } }]);
    await here.again(['cancel', '--all']);
    await world.settled(2);
    expect(await here.json<Past[]>('history')).toMatchObject([{ names: ['ready'] }]);
  });

  test('starts what a chain holds back, and the chain goes on', async (context) => {
    const here = await place(context);
    const { world } = here;
    const data = await world.node.files.read(world.path('conf/data/world.yaml'));
    await world.write(
      'conf/data/world.yaml',
      `${data}common::again::burst: 0\ncommon::again::max_delay: 3600\n`,
    );
    const first = await here.apply(converges(world, 3));
    expect(announcement(first.output).line).toContain('again 30 s after this run');
    await waitsFor(here, 'timer');
    expect((await here.again(['now'])).output).toBe("Due now: Exec['again']\n");
    await until('the second link to back off', async () => {
      const [pending] = await here.json<Pending[]>('status');
      return pending?.link === 2 && pending.waitsFor.kind === 'timer' && pending.wait === 60;
    });
    expect((await here.again(['now', 'again'])).code).toBe(0);
    const began = performance.now();
    await until('the third run', async () => (await world.runs()).length === 3);
    expect(performance.now() - began, 'less than its back-off').toBeLessThan(45_000);
    await world.settled(3);
  });

  test('does not pass a hold, and says so', async (context) => {
    const here = await place(context);
    const { world } = here;
    const run = await here.apply(notifyOnce(world, later, delta(3600)));
    expect(run.code, run.output).toBe(0);
    await here.again(['hold', '--', '-night-']);
    expect((await here.again(['now'])).stdout).toMatch(
      /^Due now: later\nIt waits for the end of the hold at \S+Z \(-night-\), or `again release`\.\n$/,
    );
    expect(await waitsFor(here, 'hold')).toMatchObject({ dueIn: 0 });
    await here.again(['cancel', '--all']);
    await world.settled(1);
  });
});
