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

export function parseStatus(text: string): Status | undefined {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const users = fields.get('Uid')?.split(/\s+/).map(Number);
  const ignored = fields.get('SigIgn');
  const blocked = fields.get('SigBlk');
  const umask = Number.parseInt(fields.get('Umask') ?? '', 8);
  if (users?.[0] === undefined || users[1] === undefined) return undefined;
  if (!ignored || !blocked || Number.isNaN(umask)) return undefined;
  return {
    realUser: users[0],
    effectiveUser: users[1],
    umask,
    ignoredSignals: BigInt(`0x${ignored}`),
    blockedSignals: BigInt(`0x${blocked}`),
  };
}
