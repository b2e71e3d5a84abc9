import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { treeOf } from '../../../src/foreground/tree.ts';
import { commOf, readStat, withDescendants } from '../../../src/os/process.ts';
import { hasEnded, type Stat } from '../../../src/os/stat.ts';

const within = { timeout: 20_000 };

/** Starts a command line of sh that leads to these programs, and returns their pids, in that order. */
async function start(line: string, programs: readonly string[]): Promise<number[]> {
  const child = spawn('/bin/sh', ['-c', line], { stdio: 'ignore' });
  await once(child, 'spawn');
  const { pid } = child as { pid: number };
  const commands = () => withDescendants(pid).map(commOf);
  await expect.poll(commands, within).toEqual(programs);
  const found = withDescendants(pid);
  onTestFinished(() => {
    for (const one of found)
      try {
        process.kill(one, 'SIGKILL');
      } catch {
        // It has ended.
      }
  });
  return found;
}

const ends = (pid: number) => expect.poll(() => hasEnded(readStat(pid)), within).toBe(true);

/** A tree that really sends, and notes to whom. */
function watch(command: number, puppets: readonly number[]) {
  const sent: number[] = [];
  const send = (signal: NodeJS.Signals, pid: number) => {
    sent.push(pid);
    process.kill(pid, signal);
  };
  return { sent, tree: treeOf(command, send, () => puppets) };
}

test('the command gets a signal, and what leads from it to Puppet a second after its parent has ended', async () => {
  // The shells do not become what they start, since something follows it.
  const found = await start('sh -c "sleep 1000; true"; true', ['sh', 'sh', 'sleep']);
  const [outer, inner, puppet] = found as [number, number, number];
  const { sent, tree } = watch(outer, [puppet]);
  tree.pass('SIGTERM');
  await ends(outer);
  expect(tree.handOn(0)).toBe(true);
  expect(tree.handOn(999)).toBe(true);
  expect(sent).toEqual([outer]);
  expect(tree.handOn(1000)).toBe(true);
  await ends(inner);
  expect(tree.handOn(1000)).toBe(true);
  expect(sent).toEqual([outer, inner]);
  tree.handOn(2000);
  await ends(puppet);
  expect(tree.handOn(2000)).toBe(false);
  expect(sent).toEqual([outer, inner, puppet]);
  expect(tree.left()).toEqual([]);
});

test('what Puppet has started, and what does not lead to it, gets none', async () => {
  const found = await start('sleep 3000 & sh -c "sleep 1000; true"; true', ['sh', 'sleep', 'sh', 'sleep']);
  const [outer, , puppet] = found as [number, number, number];
  const { sent, tree } = watch(outer, [puppet]);
  tree.pass('SIGTERM');
  await ends(outer);
  expect([0, 1000].map((now) => tree.handOn(now))).toEqual([true, true]);
  await ends(puppet);
  expect([1000, 2000, 3000].map((now) => tree.handOn(now))).toEqual([false, false, false]);
  expect(sent).toEqual([outer, puppet]);
});

test('while its command lives, nothing else gets one; a second signal is passed on as the first', async () => {
  const [outer, puppet] = (await start('trap "" HUP; sleep 1000; true', ['sh', 'sleep'])) as [number, number];
  const { sent, tree } = watch(outer, [puppet]);
  tree.pass('SIGHUP');
  expect([0, 1000, 2000].map((now) => tree.handOn(now))).toEqual([true, true, true]);
  expect(sent).toEqual([outer]);
  tree.pass('SIGTERM');
  await ends(outer);
  expect([3000, 4000].map((now) => tree.handOn(now))).toEqual([true, true]);
  await ends(puppet);
  expect(sent).toEqual([outer, outer, puppet]);
});

describe('a key of the terminal', () => {
  /** This process, as if it were in the foreground of a terminal. */
  const own = () => {
    const { group, session } = readStat(process.pid) as Stat;
    return { group, session, foreground: group };
  };

  test('is handed to a wrapper that has made a process group of its own, as timeout(1) does, and to the Puppet below it; once each time', async () => {
    const found = await start('timeout 1000 sh -c "sleep 1000; true"; true', [
      'sh',
      'timeout',
      'sh',
      'sleep',
    ]);
    const [outer, timeout, puppet] = found as [number, number, number];
    const sent: [NodeJS.Signals, number][] = [];
    const tree = treeOf(
      outer,
      (...one) => sent.push(one),
      () => [puppet],
    );
    expect(tree.reach('SIGINT', own())).toBe(true);
    expect(sent).toEqual([
      ['SIGINT', timeout],
      ['SIGINT', puppet],
    ]);
    expect(tree.handOn(5000)).toBe(true);
    expect(sent).toHaveLength(2);
    tree.reach('SIGQUIT', own());
    expect(sent.slice(2)).toEqual([
      ['SIGQUIT', timeout],
      ['SIGQUIT', puppet],
    ]);
  });

  test.each([
    ['where the terminal has reached all', 'sleep 1000; true', ['sh', 'sleep'], {}],
    ['in another session', 'setsid sleep 1000; true', ['sh', 'sleep'], {}],
    [
      'where this process is not in the foreground: a process has sent it',
      'timeout 1000 sleep 1000; true',
      ['sh', 'timeout', 'sleep'],
      { foreground: -1 },
    ],
  ])('is handed to none %s', async (_, line, programs, changes) => {
    const found = await start(line, programs);
    const { sent, tree } = watch(found[0] as number, found.slice(-1));
    expect(tree.reach('SIGINT', { ...own(), ...changes })).toBe(false);
    expect(sent).toEqual([]);
  });

  test('is handed to the command itself, where no Puppet is found below it', async () => {
    const command = spawn('timeout', ['1000', 'sleep', '1000'], { stdio: 'ignore' });
    await once(command, 'spawn');
    const pid = command.pid as number;
    await expect.poll(() => readStat(pid)?.group, within).toBe(pid);
    const { sent, tree } = watch(pid, []);
    expect(tree.reach('SIGINT', own())).toBe(true);
    expect(sent).toEqual([pid]);
    await ends(pid);
  });
});
