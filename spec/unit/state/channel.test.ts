import { spawn } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import type { Bytes } from '../../../src/os/bytes.ts';
import { bootId } from '../../../src/os/clock.ts';
import { type ProcessSnapshot, readProcess } from '../../../src/os/process.ts';
import { readBytes } from '../../../src/os/read.ts';
import {
  type Channel,
  channelsBelow,
  FOREGROUND_COMM,
  findChannel,
  innermostChannel,
  isPrivate,
  parseChannels,
} from '../../../src/state/channel.ts';
import { formatNotice, parseNotice } from '../../../src/state/channel-message.ts';
import { temporaryFolder } from './temporary.ts';

const BOOT = '1c77b1dd-ca7e-45ba-ae52-dc5144aa6d2b';
const channel = (pid: number, start = 7, boot = BOOT): Channel => ({
  owner: { pid, start },
  boot,
  folder: `/run/again-run-${pid}`,
});

describe('the variable', () => {
  test('names the innermost channel first', () => {
    const outer = channelsBelow(channel(10));
    const inner = channelsBelow(channel(20), outer);
    expect(outer).toBe(`1:10:7:${BOOT}:/run/again-run-10`);
    expect(parseChannels(inner)).toEqual([channel(20), channel(10)]);
  });

  test.each([
    '',
    'x',
    `2:10:7:${BOOT}:/run/x`,
    `1:10:7:${BOOT}:run/x`,
    '1:10:7::/run/x',
    `1:-1:7:${BOOT}:/run/x`,
  ])('%j names none', (value) => {
    expect(parseChannels(value)).toEqual([]);
  });
});

describe('the innermost `again run`', () => {
  const process = (pid: number, user = 0, start = 7): ProcessSnapshot => ({
    id: { pid, start },
    parent: pid - 1,
    status: { realUser: user, effectiveUser: user, umask: 0o22, ignoredSignals: 0n, blockedSignals: 0n },
    image: '/x' as Bytes,
    argv: ['x' as Bytes],
  });
  const ancestry = [process(30), process(25), process(20), process(15), process(10), process(1)];
  const comms =
    (...pids: number[]) =>
    (pid: number) =>
      pids.includes(pid) ? 'again-run' : 'sh';
  const find = (channels: readonly Channel[], runs: readonly number[], above = ancestry) =>
    innermostChannel(above, channels, 0, comms(...runs), BOOT);

  test('is the nearest that is named', () => {
    expect(find([channel(10), channel(20)], [10, 20])).toEqual({ channel: channel(20), at: 2 });
    expect(find([channel(10)], [10, 20])).toEqual({ channel: channel(10), at: 4 });
  });

  test.each([
    ['no name', []],
    ['a process that is no ancestor', [channel(99)]],
    ['a pid that was used again', [channel(20, 6)]],
    ['another boot', [channel(20, 7, BOOT.replace('1', '2'))]],
    ['an ancestor that is something else', [channel(15)]],
  ])('is none for %s', (_, channels) => {
    expect(find(channels, [10, 20])).toBeUndefined();
  });

  test("another user's is refused, unless one's own is nearer", () => {
    const mixed = [process(30), process(20), process(15, 1000), process(10, 1000)];
    expect(() => find([channel(10)], [10], mixed)).toThrow(
      /below an `again run` \(pid 10\) of user 1000, and belongs to user 0 itself: .*sudo again run/,
    );
    expect(find([channel(20)], [10, 20], mixed)).toEqual({ channel: channel(20), at: 1 });
    expect(find([], [], mixed)).toBeUndefined();
  });
});

describe('the `again run` above a notification', () => {
  const children: ReturnType<typeof spawn>[] = [];
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
  });
  const user = process.getuid?.() ?? 0;

  /** A process of that name, with this environment. */
  async function living(name: string, env: NodeJS.ProcessEnv = {}): Promise<ProcessSnapshot> {
    const file = join(temporaryFolder(), name);
    symlinkSync('/bin/sleep', file);
    const child = spawn(file, ['600'], { env, stdio: 'ignore' });
    children.push(child);
    const pid = child.pid as number;
    await vi.waitFor(() => expect(readBytes(`/proc/${pid}/comm`)).toBe(`${name}\n`));
    return readProcess(pid) as ProcessSnapshot;
  }

  async function foreground() {
    const run = await living(FOREGROUND_COMM);
    const folder = join(temporaryFolder(), 'channel');
    mkdirSync(folder, { mode: 0o700 });
    const channel = { owner: run.id, boot: bootId(), folder };
    return { run, channel, value: channelsBelow(channel) };
  }

  test('is found by what Puppet was started with', async () => {
    const { run, channel, value } = await foreground();
    const puppet = await living('puppet', { AGAIN_RUN: value });
    expect(findChannel([puppet, run], user)).toEqual({ channel, at: 1 });
    expect(findChannel([await living('sh'), puppet, run], user)).toEqual({ channel, at: 2 });
  });

  test('is found by what the launcher hands on, where a title covers the environment of Puppet', async () => {
    const { run, channel, value } = await foreground();
    const puppet = await living('bundle');
    expect(findChannel([puppet, run], user)).toBeUndefined();
    expect(findChannel([puppet, run], user, value)).toEqual({ channel, at: 1 });
  });

  test('is none that is handed on and is no ancestor', async () => {
    const { value } = await foreground();
    const puppet = await living('bundle');
    expect(findChannel([puppet, (await foreground()).run], user, value)).toBeUndefined();
  });
});

test('a folder is private that only its user can enter, and no link', () => {
  const folder = temporaryFolder();
  const user = process.getuid?.() ?? 0;
  const own = join(folder, 'own');
  mkdirSync(own, { mode: 0o755 });
  symlinkSync(own, join(folder, 'link'));
  mkdirSync(join(folder, 'private'), { mode: 0o700 });
  expect(isPrivate(join(folder, 'private'), user)).toBe(true);
  expect(isPrivate(own, user)).toBe(false);
  expect(isPrivate(join(folder, 'private'), user + 1)).toBe(false);
  expect(isPrivate(join(folder, 'link'), user)).toBe(false);
  expect(isPrivate(join(folder, 'nothing'), user)).toBe(false);
});

describe('a notice', () => {
  const notice = {
    name: 'peers',
    delta: 5,
    startTimerNow: false,
    run: { pid: 1, start: 2 },
    burst: 10,
    maxDelay: 1800,
    limit: 3,
    splay: 0,
  };
  test('comes as it was sent', () => {
    expect(parseNotice(formatNotice(notice))).toEqual(notice);
    expect(parseNotice(formatNotice({ ...notice, name: undefined, limit: undefined }))).toEqual({
      ...notice,
      name: undefined,
      limit: undefined,
    });
  });

  const condition = {
    exists: ['/dev/x'],
    connects: [],
    succeeds: undefined,
    sensitive: false,
    interval: 5,
    timeout: 60,
    onTimeout: 'drop' as const,
  };

  test('has the words of its condition', () => {
    const when = { ...notice, condition: { ...condition, succeeds: ['a', 'b'] } };
    expect(parseNotice(formatNotice(when))).toEqual(when);
  });

  test.each([
    ['nothing', ''],
    ['null', 'null'],
    ['a condition that is none', JSON.stringify({ ...notice, condition: { ...condition, exists: [] } })],
    ['no number', JSON.stringify({ ...notice, delta: 'x' })],
    ['a negative one', JSON.stringify({ ...notice, delta: -1 })],
    ['a name of two lines', JSON.stringify({ ...notice, name: 'a\nb' })],
    ['a limit of 0', JSON.stringify({ ...notice, limit: 0 })],
    ['no run', JSON.stringify({ ...notice, run: undefined })],
  ])('is none: %s', (_, line) => {
    expect(parseNotice(line)).toBeUndefined();
  });
});
