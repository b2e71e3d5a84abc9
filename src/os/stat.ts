/** The fields of /proc/PID/stat that are used (proc_pid_stat(5)). */
export interface Stat {
  readonly parent: number;
  /** Its process group. */
  readonly group: number;
  readonly session: number;
  /** The process group in the foreground of its terminal; -1 where it has none. */
  readonly foreground: number;
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
  const group = Number(fields[2]);
  const session = Number(fields[3]);
  const foreground = Number(fields[5]);
  const start = Number(fields[19]);
  if (!state || ![parent, group, session, foreground, start].every(Number.isInteger)) return undefined;
  return { parent, group, session, foreground, state, start };
}

/** A zombie has ended; only its parent has not noticed. */
export function hasEnded(stat: Stat | undefined): boolean {
  return stat === undefined || stat.state === 'Z' || stat.state === 'X' || stat.state === 'x';
}
