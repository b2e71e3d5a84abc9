import { symlinkSync } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { Pending } from '../../src/cli/pending.ts';
import { announcement, notifyOnce, outputOf } from '../support/machine/world.ts';
import { type Place, people } from './people.ts';

const { place } = people();

/** A run of one command, and one of another: in two folders, for the folder is part of it. */
async function notifyByTwoCommands({ world, apply }: Place): Promise<void> {
  const later = "Common::Again::Delta['later']";
  const deltas = "common::again::delta { 'later': delta => 3600 }";
  expect((await apply(notifyOnce(world, later, deltas))).code).toBe(0);
  await world.write('other.pp', `${deltas}\nnotify { 'x': notify => ${later} }\n`);
  const env = { FACTER_puppet_vardirtmp: world.path('base') };
  const other = await world.run({ argv: world.apply(world.path('other.pp')), env });
  expect(other.code, other.output).toBe(0);
}

/** By Hiera, as a site says it; `again` here has its link in a folder of its own. */
async function configure({ world }: Place, line: string): Promise<() => Promise<unknown>> {
  const path = 'conf/data/world.yaml';
  const before = (await world.node.files.read(world.path(path))).toString();
  await world.write(path, `${before}${line}\n`);
  return () => world.write(path, before);
}

const waiting = async ({ world }: Place) =>
  (await world.helpers()).map(({ pid }) => pid).sort((a, b) => a - b);

describe('common::again with enable: false', () => {
  test('cancels what this command has asked for, does nothing, and works again when it is on again', async (context) => {
    const here = await place(context);
    const { world } = here;
    await notifyByTwoCommands(here);
    expect(await waiting(here)).toHaveLength(2);

    const reset = await configure(here, 'common::again::enable: false');
    await world.node.files.remove(world.trigger);
    const off = await here.apply(notifyOnce(world));
    expect(off.code, off.output).toBe(0);
    expect(outputOf(off.output, 'common::again cancel')).toEqual(['Cancelled: later']);
    expect(outputOf(off.output, 'again')).toEqual([]);
    // The other command's.
    expect(await waiting(here)).toHaveLength(1);
    const left = await here.json<Pending[]>('status');
    expect(left.map(({ name, command }) => [name, command])).toEqual([
      ['later', expect.stringContaining('other.pp')],
    ]);

    // Once more: nothing of this command is pending, so nothing is done.
    const again = await here.apply(notifyOnce(world));
    expect(again.output).not.toContain('common::again cancel');

    await reset();
    await world.node.files.remove(world.trigger);
    await here.again(['cancel', '--all']);
    const before = (await world.runs()).length;
    const on = await here.apply(notifyOnce(world));
    expect(announcement(on.output).waiter).toBeGreaterThan(1);
    await world.settled(before + 2);
  });
});

test.for([
  ['enable: false', 'cancel', 'gr\\u{f6}\\u{df}e'],
  ['ensure: absent', 'remove', 'gr????e'],
] as const)(
  'with %s, in the locale C, a name that is not ASCII fails nothing',
  async ([line, exec, shown], context) => {
    const here = await place(context);
    const { world } = here;
    const named = "common::again::delta { 'größe': delta => 3600 }";
    expect((await here.apply(notifyOnce(world, "Common::Again::Delta['größe']", named))).code).toBe(0);
    await configure(here, `common::again::${line}`);
    const site = await world.write('site.pp', notifyOnce(world));
    const env = { FACTER_puppet_vardirtmp: world.path('base'), LANG: 'C', LC_ALL: 'C' };
    const { code, output } = await world.run({ argv: world.apply(site), env });
    expect(code, output).toBe(0);
    expect(outputOf(output, `common::again ${exec}`)).toEqual([`Cancelled: ${shown}`]);
  },
);

describe('common::again with ensure: absent', () => {
  test('cancels what two commands have asked for, and removes folder and link; then all comes back', async (context) => {
    const here = await place(context);
    const { world } = here;
    await notifyByTwoCommands(here);
    const reset = await configure(here, 'common::again::ensure: absent');
    const off = await here.apply(notifyOnce(world));
    expect(off.code, off.output).toBe(0);
    expect(outputOf(off.output, 'common::again remove')).toEqual(['Cancelled: later, later']);
    expect(await waiting(here)).toEqual([]);
    expect(await world.node.files.exists(world.again)).toBe(false);
    await expect(readlink(here.link)).rejects.toThrow('ENOENT');

    // Nothing is left to do.
    const next = await here.apply(notifyOnce(world));
    expect(next.output).not.toContain('common::again remove');

    await reset();
    await world.node.files.remove(world.trigger);
    const before = (await world.runs()).length;
    announcement((await here.apply(notifyOnce(world))).output);
    await world.settled(before + 2);
  });

  test("leaves somebody else's link alone", async (context) => {
    const here = await place(context);
    const { world } = here;
    expect((await here.apply('include common::again')).code).toBe(0);
    await world.node.files.remove(here.link);
    symlinkSync('/usr/bin/true', here.link);
    await configure(here, 'common::again::ensure: absent');
    expect((await here.apply('include common::again')).code).toBe(0);
    expect(await world.node.files.exists(world.again)).toBe(false);
    expect(await readlink(here.link)).toBe('/usr/bin/true');
  });

  test('where a waiter does not end, fails in one line, and removes nothing', {
    retry: 0,
  }, async (context) => {
    const here = await place(context);
    const { world } = here;
    await notifyByTwoCommands(here);
    const [pid = 0] = await waiting(here);
    await world.node.signal(pid, 'SIGSTOP');
    const reset = await configure(here, 'common::again::ensure: absent');
    const off = await here.apply('include common::again', '--detailed-exitcodes');
    expect(off.code, off.output).toBe(4);
    expect(outputOf(off.output, 'common::again remove').join('\n')).toContain(
      `again: everything that was pending is cancelled, but these waiters have not ended after 10 s: ${pid}; end them (kill -9), and run Puppet again`,
    );
    expect(await world.node.files.exists(`${world.again}/again`)).toBe(true);
    await world.node.signal(pid, 'SIGCONT');
    const then = await here.apply('include common::again', '--detailed-exitcodes');
    expect(then.code, then.output).toBe(2);
    expect(await world.node.files.exists(world.again)).toBe(false);
    await reset();
  });
});
