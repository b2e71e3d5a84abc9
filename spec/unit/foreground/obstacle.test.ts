import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createObstacles, LOOK_MS, startingRerun } from '../../../src/foreground/obstacle.ts';
import { monotonic } from '../../../src/os/clock.ts';
import { here } from '../../../src/os/place.ts';
import { type ProcessId, readStat } from '../../../src/os/process.ts';
import { type StartSlot, slotPath, takeSlot } from '../../../src/state/start-slot.ts';
import { living, lockOfPuppet } from '../living.ts';
import { temporaryFolder } from '../state/temporary.ts';

/** A state folder in which this process has the slot. */
function folderWith(holder: ProcessId, changes: Partial<StartSlot> = {}): string {
  const folder = temporaryFolder();
  const slot = { ...holder, ...here(), at: monotonic(), mode: 'agent', lockFile: '/nonexistent', ...changes };
  writeFileSync(slotPath(folder), JSON.stringify(slot));
  return folder;
}

test.each<[string, boolean, () => Partial<StartSlot>]>([
  ['from its slot to its lock', true, () => ({})],
  ['until its Puppet, or another one, has the lock', false, () => ({ lockFile: lockOfPuppet() })],
  ['for 15 s', false, () => ({ at: monotonic() - 15_001 })],
  ['until it has ended', false, () => ({ pid: 4_194_304, start: 1 })],
  ['not in another container', false, () => ({ pidNamespace: 'pid:[1]' })],
  [
    'as a `puppet apply`, for which no lock counts',
    true,
    () => ({ mode: 'apply', lockFile: lockOfPuppet() }),
  ],
])("a waiter's rerun is waited for %s: %s", (_, expected, changes) => {
  const rerun = living();
  expect(startingRerun(folderWith(rerun, changes()), new Set())?.pid).toBe(expected ? rerun.pid : undefined);
});

test('it is not waited for by an `again run` that is nested in it', () => {
  const rerun = living();
  expect(startingRerun(folderWith(rerun), new Set([1, rerun.pid]))).toBeUndefined();
  // Of its own ancestors, this process knows by itself.
  const parent = { pid: process.ppid, start: readStat(process.ppid)?.start as number };
  expect(createObstacles(new Set(), folderWith(parent))()?.because ?? '').not.toContain('the start of');
});

test('without a waiter, nothing is about to start', () => {
  expect(startingRerun(temporaryFolder(), new Set())).toBeUndefined();
  expect(startingRerun('/nonexistent', new Set())).toBeUndefined();
  const folder = temporaryFolder();
  takeSlot(folder, 'agent', '/nonexistent');
  expect(startingRerun(folder, new Set())).toBeUndefined();
});

test('the obstacle names it, and is looked at again soon', () => {
  const rerun = living();
  const folder = folderWith(rerun);
  expect(createObstacles(new Set(), folder)()).toEqual({
    because: `the start of another rerun, pid ${rerun.pid}`,
    patience: LOOK_MS,
  });
});
