/** The fields of /proc/PID/status that are used (proc_pid_status(5)). */
export interface Status {
  readonly realUser: number;
  readonly effectiveUser: number;
  /** File mode creation mask. */
  readonly umask: number;
  /** Signal sets as the kernel prints them: bit n-1 stands for signal n. */
  readonly ignoredSignals: bigint;
  readonly blockedSignals: bigint;
}

/** Undefined where a field is missing, or is not what the kernel writes. */
export function parseStatus(text: string): Status | undefined {
  const field = (name: string) => {
    const label = `\n${name}:\t`;
    const at = text.indexOf(label);
    const end = text.indexOf('\n', at + label.length);
    return at < 0 || end < 0 ? '' : text.slice(at + label.length, end);
  };
  const [realUser, effectiveUser] = field('Uid')
    .split('\t')
    .map((digits) => parseDigits(digits, 10));
  const umask = parseDigits(field('Umask'), 8);
  const ignoredSignals = parseSignals(field('SigIgn'));
  const blockedSignals = parseSignals(field('SigBlk'));
  if (realUser === undefined || effectiveUser === undefined || umask === undefined) return undefined;
  if (ignoredSignals === undefined || blockedSignals === undefined) return undefined;
  return { realUser, effectiveUser, umask, ignoredSignals, blockedSignals };
}

/**
 * In how many PID namespaces a process is, by the same file: that of /proc, and those within it; 1 where the kernel does not say so (before 4.1).
 */
export function namespacesIn(text: string): number {
  const line = text.split('\n').find((one) => one.startsWith('NSpid:'));
  return line === undefined ? 1 : line.split('\t').length - 1;
}

/** A number of digits alone; undefined for everything else that parseInt() takes. */
function parseDigits(digits: string, radix: number): number | undefined {
  const value = Number.parseInt(digits, radix);
  return value >= 0 && value.toString(radix).padStart(digits.length, '0') === digits ? value : undefined;
}

/** A set of 64 bits at most: two halves of 32 bits, in hexadecimal. */
function parseSignals(digits: string): bigint | undefined {
  const high = parseDigits(digits.slice(0, -8).padStart(1, '0'), 16);
  const low = parseDigits(digits.slice(-8), 16);
  if (high === undefined || low === undefined || digits.length > 16) return undefined;
  return (BigInt(high) << 32n) | BigInt(low);
}
