import { readdirSync } from 'node:fs';
import { bootId } from '../os/clock.ts';
import { readOwnFile, removeFile, replaceFile } from '../os/files.ts';
import { join } from '../os/path.ts';
import { isAlive, type ProcessId, self } from '../os/process.ts';

/**
 * The rerun of a command that is going. Before its execve it is not yet to be found among Puppet's processes, and before Puppet's start it holds
 * no lock, but it keeps the pid and the start time that are noted here.
 */
function currentPath(folder: string, id: string): string {
  return join(folder, 'commands', `${id}.rerun`);
}

/** Notes that this process is about to become the rerun. Under the lock of the folder. */
export function noteCurrentRerun(folder: string, id: string): void {
  replaceFile(currentPath(folder, id), `${JSON.stringify({ ...self(), boot: bootId() })}\n`);
}

export function forgetCurrentRerun(folder: string, id: string): void {
  removeFile(currentPath(folder, id));
}

/** All reruns that are going. */
export function currentReruns(folder: string): ProcessId[] {
  return readdirSync(join(folder, 'commands'))
    .filter((name) => name.endsWith('.rerun'))
    .flatMap((name) => currentRerun(folder, name.slice(0, -'.rerun'.length)) ?? []);
}

export function currentRerun(folder: string, id: string): ProcessId | undefined {
  try {
    const { pid, start, boot } = JSON.parse(readOwnFile(currentPath(folder, id)) ?? '');
    return boot === bootId() && pid !== process.pid && isAlive({ pid, start }) ? { pid, start } : undefined;
  } catch {
    return undefined;
  }
}
