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
  const [realUser, effectiveUser] = users ?? [];
  if (!isUser(realUser) || !isUser(effectiveUser)) return undefined;
  if (!isMask(ignored) || !isMask(blocked) || Number.isNaN(umask)) return undefined;
  return {
    realUser,
    effectiveUser,
    umask,
    ignoredSignals: BigInt(`0x${ignored}`),
    blockedSignals: BigInt(`0x${blocked}`),
  };
}

function isUser(id: number | undefined): id is number {
  return id !== undefined && Number.isSafeInteger(id) && id >= 0;
}

function isMask(signals: string | undefined): signals is string {
  return signals !== undefined && /^[0-9a-f]{1,16}$/.test(signals);
}
