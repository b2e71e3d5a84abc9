/** A resource limit; undefined stands for `unlimited`. */
export interface Limit {
  readonly soft: number | undefined;
  readonly hard: number | undefined;
}

/** The limit of open files of a /proc/PID/limits (proc_pid_limits(5)): the one that Node changes for itself. */
export function parseOpenFilesLimit(text: string): Limit | undefined {
  const match = /^Max open files\s+(\S+)\s+(\S+)/m.exec(text);
  if (!match?.[1] || !match[2]) return undefined;
  const value = (word: string) => (word === 'unlimited' ? undefined : Number(word));
  return { soft: value(match[1]), hard: value(match[2]) };
}
