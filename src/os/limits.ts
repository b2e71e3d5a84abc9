/** A resource limit; undefined stands for `unlimited`. */
export interface Limit {
  readonly soft: number | undefined;
  readonly hard: number | undefined;
}

const LABEL = '\nMax open files ';

/** The limit of open files of a /proc/PID/limits (proc_pid_limits(5)): the one that Node changes for itself. */
export function parseOpenFilesLimit(text: string): Limit | undefined {
  const at = text.indexOf(LABEL);
  if (at < 0) return undefined;
  const [line = ''] = text.slice(at + LABEL.length).split('\n', 1);
  const [soft, hard] = line.split(' ').filter((word) => word !== '');
  const value = (word: string) => (word === 'unlimited' ? undefined : Number(word));
  return soft === undefined || hard === undefined ? undefined : { soft: value(soft), hard: value(hard) };
}
