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
  const umask = /^Umask:\s*([0-7]+)$/m.exec(text)?.[1];
  const [, realUser, effectiveUser] = /^Uid:\s*(\d+)\s+(\d+)\s/m.exec(text) ?? [];
  const [ignored, blocked] = [mask(/^SigIgn:\s*(.*)$/m, text), mask(/^SigBlk:\s*(.*)$/m, text)];
  if (!umask || !realUser || !effectiveUser || !ignored || !blocked) return undefined;
  return {
    realUser: Number(realUser),
    effectiveUser: Number(effectiveUser),
    umask: Number.parseInt(umask, 8),
    ignoredSignals: BigInt(`0x${ignored}`),
    blockedSignals: BigInt(`0x${blocked}`),
  };
}

function mask(line: RegExp, text: string): string | undefined {
  const digits = line.exec(text)?.[1];
  return digits && /^[0-9a-f]{1,16}$/.test(digits) ? digits : undefined;
}
