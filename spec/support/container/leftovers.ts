import { readlinkSync } from 'node:fs';
import { monotonic } from '../../../src/os/clock.ts';
import { allPids, readStat } from '../../../src/os/process.ts';
import { startTime } from '../../../src/os/start-time.ts';
import type { Container } from './container.ts';
import { run } from './run.ts';

/** The namespaces and the control group that a running container has to itself. */
export interface Traces {
  /** Such as `mnt:[4026532178]`. Its mounts exist as long as a process is in its mount namespaces. */
  readonly namespaces: ReadonlySet<string>;
  readonly group: string;
  /** When they were noted, in milliseconds of the monotonic clock: the kernel gives the number of a namespace that is gone to another one, of a later process. */
  readonly at: number;
}

/** Notes what belongs to a container, while it runs: see {@link leftovers}. */
export function tracesOf(container: Container): Traces {
  const own = [container.supervisor, container.init()].flatMap((pid) => namespacesOf(`${pid}`));
  const ours = new Set(namespacesOf('self'));
  return {
    namespaces: new Set(own.filter((namespace) => !ours.has(namespace))),
    group: `again-spec-${container.supervisor}`,
    at: monotonic(),
  };
}

/**
 * The things that are left on the machine of a container that has ended, a line each: processes, mounts, control
 * groups.
 */
export async function leftovers({ namespaces, group, at }: Traces): Promise<string[]> {
  const pids = allPids().filter((pid) => {
    const stat = readStat(pid);
    return stat !== undefined && startTime({ pid, start: stat.start }) <= at;
  });
  const processes = pids.flatMap((pid) =>
    namespacesOf(`${pid}`)
      .filter((namespace) => namespaces.has(namespace))
      .map((namespace) => `process ${pid} in ${namespace}`),
  );
  // The machine may have the hierarchy at any place or, beside v1, at none.
  const list = 'mount -t cgroup2 cgroup2 /mnt && find /mnt -name "$1"';
  const { stdout } = await run(['unshare', '--mount', 'sh', '-c', list, 'sh', group]);
  return [...processes, ...stdout.split('\n').filter(Boolean)];
}

function namespacesOf(pid: string): string[] {
  return ['mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup'].flatMap((kind) => {
    try {
      return [readlinkSync(`/proc/${pid}/ns/${kind}`)];
    } catch {
      return []; // ended, or a kernel thread
    }
  });
}
