import { readFileSync } from 'node:fs';

/** The pids of a process's children, as this process sees them; none when it is gone. */
export function childrenOf(pid: number | undefined): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** The pids of all descendants of a process, parents before their children. */
export function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

/**
 * The pid of the init process of the container below a supervisor: process 1 of the second pid namespace down
 * (the first is the one that nspawn itself runs in). `undefined` while there is none.
 */
export function initOf(supervisor: number): number | undefined {
  const depth = namespacePids(supervisor).length + 2;
  return descendantsOf(supervisor).find((pid) => {
    const pids = namespacePids(pid);
    return pids.length === depth && pids.at(-1) === '1';
  });
}

function namespacePids(pid: number): string[] {
  try {
    const [, pids = ''] = /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return pids.split('\t');
  } catch {
    return [];
  }
}
