import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { type ProcessId, readStat } from '../../src/os/process.ts';
import { temporaryFolder } from './state/temporary.ts';

const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A process that lives until the end of the file's tests, and does nothing; its name is that of its file. */
export function living(file = 'sleep'): ProcessId {
  const child = spawn(file, ['600'], { stdio: 'ignore' });
  children.push(child);
  const pid = child.pid as number;
  return { pid, start: readStat(pid)?.start as number };
}

/** The agent's lock, which a process has that is called `puppet`. */
export function lockOfPuppet(): string {
  const folder = temporaryFolder();
  const puppet = join(folder, 'puppet');
  symlinkSync('/bin/sleep', puppet);
  const lockFile = join(folder, 'agent_catalog_run.lock');
  const { pid } = living(puppet);
  // The kernel names it only a moment after spawn() has returned.
  while (readFileSync(`/proc/${pid}/comm`, 'utf8') !== 'puppet\n') readStat(pid);
  writeFileSync(lockFile, String(pid));
  return lockFile;
}
