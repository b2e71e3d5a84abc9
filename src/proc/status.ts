/** What is used of /proc/PID/status (proc_pid_status(5)). */
export interface Status {
  readonly realUser: number;
  readonly effectiveUser: number;
  /** File mode creation mask. */
  readonly umask: number;
  /** Signal sets as the kernel prints them: bit n-1 stands for signal n. */
  readonly ignoredSignals: bigint;
  readonly blockedSignals: bigint;
}

/** Without regular expressions: V8 would compile each of them anew in every notification. */
export function parseStatus(text: string): Status | undefined {
  const umask = Number(`0o${field(text, 'Umask')}`);
  const [realUser, effectiveUser] = field(text, 'Uid').split('\t').map(Number);
  const ignoredSignals = mask(field(text, 'SigIgn'));
  const blockedSignals = mask(field(text, 'SigBlk'));
  if (!isId(umask) || !isId(realUser) || !isId(effectiveUser)) return undefined;
  if (ignoredSignals === undefined || blockedSignals === undefined) return undefined;
  return { realUser, effectiveUser, umask, ignoredSignals, blockedSignals };
}

/** What follows a field's name and a tab, to the end of its line; `none` where there is no such field, which is no number. */
function field(text: string, name: string): string {
  const start = `\n${name}:\t`;
  const at = text.indexOf(start);
  return at < 0 ? 'none' : (text.slice(at + start.length).split('\n', 1)[0] as string);
}

function isId(value: number | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function mask(digits: string): bigint | undefined {
  try {
    return BigInt(`0x${digits}`);
  } catch {
    return undefined;
  }
}
