// Looks at processes as closely as it can be done from outside.

import { readdirSync, readFileSync } from 'node:fs';

/** Fields of /proc/PID/stat from the state on; undefined where there is no such process, or a zombie of it. */
export function statOf(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1).split(' ');
    return fields[0] === 'Z' ? undefined : fields;
  } catch {
    return undefined;
  }
}

/** Milliseconds of CPU that a process has used: USER_HZ is 100. */
export function cpuOf(pid) {
  const fields = statOf(pid);
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Milliseconds of CPU that each living thread of a process has had, as the scheduler counts them, in nanoseconds: by thread, of those whose names count. */
function cpuByThread(pid, counts) {
  const threads = readdirSync(`/proc/${pid}/task`).map((tid) => `${pid}/task/${tid}`);
  const ran = (thread) => Number(readFileSync(`/proc/${thread}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
  return new Map(threads.filter((thread) => counts(commOf(thread))).map((thread) => [thread, ran(thread)]));
}

/** The CPU that a process has had, by thread. */
export function threadsOf(pid) {
  return cpuByThread(pid, () => true);
}

/** The CPU that a Puppet Server has had, by thread, but for that of Java's compilers, which have an end when they have seen the same catalog often enough. */
export function serverCpuOf(pid) {
  return cpuByThread(pid, (thread) => !/^C[12] Compiler/.test(thread));
}

/** Milliseconds between two looks; what a thread had that has ended meanwhile is not known, and hardly anything. */
export function spentSince(before, after) {
  return [...after].reduce((sum, [thread, spent]) => sum + spent - (before.get(thread) ?? 0), 0);
}

/** How often a process has gone to sleep by itself, all its threads together. */
export function sleepsOf(pid) {
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]);
}

/**
 * Milliseconds from the end of one process until another one executes another program. Looks without a pause: events of the kernel could be
 * had by tracing alone, which would slow both down.
 */
export function gapBetween(run, waiter) {
  const name = commOf(waiter);
  while (statOf(run)) if (commOf(waiter) !== name) return 0;
  const end = performance.now();
  while (commOf(waiter) === name) if (performance.now() - end > 60_000) return Number.NaN;
  return performance.now() - end;
}

/** The name of a process, or of a thread (`PID/task/TID`). */
function commOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1');
  } catch {
    return '';
  }
}
