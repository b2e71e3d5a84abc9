import { describe, expect, test } from 'vitest';
import type { Past } from '../../src/cli/history.ts';
import { openSyslog, type Syslog } from '../support/machine/syslog.ts';
import { notifyOnce, type World } from '../support/machine/world.ts';
import { until } from '../support/wait.ts';
import { type Place, people } from './people.ts';

const { place } = people();
const later = "Common::Again::Delta['later']";
const delta = (seconds: number) => `common::again::delta { 'later': delta => ${seconds} }\n`;

/** A manifest whose second run fails, and notifies nothing. */
function failsOnce(world: World, more = delta(0)): string {
  const fails = `exec { '/bin/false': onlyif => '/usr/bin/test -e ${world.trigger}.done -a ! -e ${world.trigger}.well', provider => 'posix' }
file { '${world.trigger}.done': content => '', require => Exec['/bin/false'] }`;
  return notifyOnce(world, later, `${more}${fails}`);
}

/** Two runs, of which the second failed, and no process of `again` is there to see it. */
async function failed(context: Parameters<typeof place>[0]): Promise<{ here: Place; syslog: Syslog }> {
  const here = await place(context);
  const { world } = here;
  const syslog = await openSyslog(world);
  const first = await here.apply(failsOnce(world));
  expect(first.code, first.output).toBe(0);
  await world.settled(2);
  expect(await syslog.lines()).toEqual([]);
  return { here, syslog };
}

const LINE =
  /^rerun failed: later: `puppet apply .*` has failed \(rerun 1 in a row, \d{4}-\S+Z, [\d.]+ s\): see `again log \d{8}T\d{6}Z-\w+`$/;
const ofFailures = async (syslog: Syslog) =>
  (await syslog.entries()).filter(({ text }) => text.startsWith('rerun failed'));

describe('a rerun that failed is told once, as an error', { retry: 0 }, () => {
  test('by `again status`', async (context) => {
    const { here, syslog } = await failed(context);
    const status = { argv: [here.link, 'status'], wrap: syslog.wrap };
    for (let times = 0; times < 2; times += 1) expect((await here.world.run(status)).code).toBe(0);
    await syslog.line(LINE);
    expect(await ofFailures(syslog)).toEqual([{ severity: 3, text: expect.stringMatching(LINE) }]);
    expect(await here.json<Past[]>('history')).toMatchObject([
      { result: 'failed', duration: expect.any(Number) },
    ]);
  });

  test('by `again wait`', async (context) => {
    const { here, syslog } = await failed(context);
    await here.world.run({ argv: [here.link, 'wait'], wrap: syslog.wrap });
    await syslog.line(LINE);
    expect(await ofFailures(syslog)).toHaveLength(1);
  });

  test('by the waiter of the next notification, though that run succeeds', async (context) => {
    const { here, syslog } = await failed(context);
    const { world } = here;
    await world.node.files.remove(world.trigger);
    await world.write('trigger.well', '');
    const site = await world.write('site.pp', failsOnce(world, delta(3600)));
    const env = { FACTER_puppet_vardirtmp: world.path('base') };
    const next = await world.run({ argv: world.apply(site), env, wrap: syslog.wrap });
    expect(next.code, next.output).toBe(0);
    await syslog.line(LINE);
    expect(await here.json<Past[]>('history')).toMatchObject([{ result: 'failed' }]);
    await here.again(['cancel', '--all']);
    await world.settled(3);
    expect(await ofFailures(syslog)).toHaveLength(1);
  });

  test('by the fact of the next run, which notifies nobody', async (context) => {
    const { here, syslog } = await failed(context);
    const { world } = here;
    const site = await world.write(
      'site.pp',
      `include common::again\nnotice("the last one: \${facts['again']['last_rerun']['result']}")\n`,
    );
    const env = { FACTER_puppet_vardirtmp: world.path('base') };
    const next = await world.run({ argv: world.apply(site), env, wrap: syslog.wrap });
    expect(next.output).toContain('the last one: failed');
    await syslog.line(LINE);
    expect(await here.json<Past[]>('history')).toMatchObject([
      { result: 'failed', duration: expect.any(Number) },
    ]);
    const again = await world.run({ argv: world.apply(site), env, wrap: syslog.wrap });
    expect(again.output).toContain('the last one: failed');
    expect(await ofFailures(syslog)).toHaveLength(1);
  });

  test('before the next rerun writes its own report', async (context) => {
    const here = await place(context);
    const { world } = here;
    const syslog = await openSyslog(world);
    const deltas = `${delta(0)}common::again::delta { 'latest': delta => 25 }\n`;
    const manifest = failsOnce(world, deltas).replace(later, `[${later}, Common::Again::Delta['latest']]`);
    const site = await world.write('site.pp', manifest);
    const env = { FACTER_puppet_vardirtmp: world.path('base') };
    const first = await world.run({ argv: world.apply(site), env, wrap: syslog.wrap });
    expect(first.code, first.output).toBe(0);
    await until(
      'the end of the first rerun',
      async () => {
        const pid = (await world.runs())[1]?.run.pid;
        return pid !== undefined && !(await world.processes()).some((process) => process.pid === pid);
      },
      { seconds: 60 },
    );
    await world.write('trigger.well', '');
    await world.settled(3);
    const past = await here.json<Past[]>('history');
    const seen = JSON.stringify({ past, runs: await world.runs() }, undefined, 1);
    expect(
      past.map(({ result }) => result),
      seen,
    ).toEqual(['failed', expect.not.stringMatching(/failed|unknown/)]);
    expect(await ofFailures(syslog)).toHaveLength(1);
  });
});
