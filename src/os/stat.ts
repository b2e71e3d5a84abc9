/** The fields of /proc/PID/stat that are used (proc_pid_stat(5)). */
export interface Stat {
  readonly parent: number;
  readonly session: number;
  readonly state: string;
  /** Clock ticks since boot: with the pid, it names a process for ever. */
  readonly start: number;
}

/** Parses a line of /proc/PID/stat. The name, in parentheses, may itself hold spaces and parentheses. */
export function parseStat(line: string): Stat | undefined {
  const close = line.lastIndexOf(')');
  if (close < 0) return undefined;
  const fields = line.slice(close + 2).split(' ');
  const state = fields[0];
  const parent = Number(fields[1]);
  const session = Number(fields[3]);
  const start = Number(fields[19]);
  if (!state || ![parent, session, start].every(Number.isInteger)) return undefined;
  return { parent, session, state, start };
}

/** A zombie has ended; only its parent has not noticed. */
export function hasEnded(stat: Stat | undefined): boolean {
  return stat === undefined || stat.state === 'Z' || stat.state === 'X' || stat.state === 'x';
}
