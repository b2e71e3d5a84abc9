/** What /proc/PID/stat holds after the name, which may itself hold spaces and parentheses: state, parent, group, session, ... (proc_pid_stat(5)). */
export function fieldsAfterName(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** PF_FORKNOEXEC of the kernel (include/linux/sched.h). */
const FORKED = 0x40;

/** Whether a process is the copy that fork(2) has made of its parent, and not yet a program of its own: a waiter that calls logger(1) is two processes for a moment. */
export function isCopy(fields: readonly string[]): boolean {
  return (Number(fields[6]) & FORKED) !== 0;
}
