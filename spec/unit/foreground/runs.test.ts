import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createRuns } from '../../../src/foreground/runs.ts';
import type { Notice } from '../../../src/state/channel-message.ts';
import { temporaryFolder } from '../state/temporary.ts';

/** No process can have a pid above 2^22 (proc_sys_kernel(5), pid_max). */
const run = { pid: 2 ** 22 + 1, start: 1 };

/** A run that has notified, and what it and others leave behind. */
function notified({ isAgent = true } = {}) {
  const folder = temporaryFolder();
  const [reportFile, lockFile, disabledFile] = ['report', 'lock', 'disabled'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  const puppet = { isAgent, lockFile, disabledFile, reportFile, reportMark: 'none' };
  const runs = createRuns();
  const note = () => runs.note({ run, puppet } as Notice);
  note();
  return {
    runs,
    note,
    disabledFile,
    lock: (pid: number) => writeFileSync(lockFile, String(pid)),
    /** @param began  milliseconds from now */
    report: (began: number, transactionCompleted: boolean) =>
      writeFileSync(
        reportFile,
        `---\ntime: '${new Date(Date.now() + began).toISOString()}'\ntransaction_completed: ${transactionCompleted}\n`,
      ),
  };
}

test('a run was broken off if its report says so, or it has left its lock', () => {
  const { runs, report, lock } = notified();
  expect(runs.isBrokenOff(run), 'it has written none').toBe(false);
  report(-1000, true);
  expect(runs.isBrokenOff(run)).toBe(false);
  report(-1000, false);
  expect(runs.isBrokenOff(run)).toBe(true);
  report(-1000, true);
  lock(run.pid);
  expect(runs.isBrokenOff(run)).toBe(true);
  lock(run.pid - 1);
  expect(runs.isBrokenOff(run)).toBe(false);
  expect(runs.isBrokenOff({ ...run, start: 2 }), 'one that has not notified').toBe(false);
});

test('the report of a run that began after the first notification is that of another run', () => {
  const { runs, note, report } = notified();
  report(1000, false);
  note();
  expect(runs.isBrokenOff(run)).toBe(false);
});

test('what shows that the agent is disabled is known of an agent alone', () => {
  const { runs, disabledFile } = notified();
  expect([...runs.disabledFiles]).toEqual([disabledFile]);
  expect([...notified({ isAgent: false }).runs.disabledFiles]).toEqual([]);
});
