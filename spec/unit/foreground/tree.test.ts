import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { treeOf } from '../../../src/foreground/tree.ts';
import { withDescendants } from '../../../src/os/process.ts';

/** Starts a command line of sh that leads to so many processes, and returns their pids, the outermost one first. */
async function start(line: string, processes: number): Promise<number[]> {
  const child = spawn('/bin/sh', ['-c', line], { stdio: 'ignore' });
  await once(child, 'spawn');
  const { pid } = child as { pid: number };
  await expect.poll(() => withDescendants(pid).length).toBe(processes);
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

test('the command gets a signal, and what it leaves gets that then, one after the other', async () => {
  // The shells do not become what they start, since something follows it.
  const [outer, inner, sleep] = (await start('sh -c "sleep 1000; true"; true', 3)) as [
    number,
    number,
    number,
  ];
  const sent: [string, number][] = [];
  const tree = treeOf(
    outer,
    (signal, pid) => {
      sent.push([signal, pid]);
      process.kill(pid, signal);
    },
    () => [sleep],
  );
  tree.pass('SIGTERM');
  expect(sent).toEqual([['SIGTERM', outer]]);
  await expect.poll(() => tree.handOn() && tree.left()).toBe(false);
  expect(sent).toEqual([outer, inner, sleep].map((pid) => ['SIGTERM', pid]));
  expect(tree.left()).toEqual([]);
});

test('what the command ends by itself gets none', async () => {
  const [outer, sleep] = (await start(`trap 'kill $!; wait; exit' TERM; sleep 1000 & wait`, 2)) as [
    number,
    number,
  ];
  const sent: number[] = [];
  const tree = treeOf(
    outer,
    (signal, pid) => {
      sent.push(pid);
      process.kill(pid, signal);
    },
    () => [sleep],
  );
  tree.pass('SIGTERM');
  await expect.poll(() => tree.left()).toEqual([]);
  expect(tree.handOn()).toBe(false);
  expect(sent).toEqual([outer]);
});

test('it is over when no Puppet is left, whatever else is', async () => {
  const [outer, sleep] = (await start('sleep 1000 & wait', 2)) as [number, number];
  const tree = treeOf(
    outer,
    () => {},
    () => [outer],
  );
  tree.pass('SIGHUP');
  process.kill(outer, 'SIGKILL');
  await expect.poll(() => tree.handOn()).toBe(false);
  expect(tree.left()).toEqual([sleep]);
});
