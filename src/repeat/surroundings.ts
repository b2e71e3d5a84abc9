import { readlinkSync } from 'node:fs';
import { type Bytes, splitAtNul } from '../os/bytes.ts';
import { type Limit, parseOpenFilesLimit } from '../os/limits.ts';
import { readBytes, readText } from '../os/read.ts';
import { Refusal } from '../os/refusal.ts';
import { parseStatus } from '../os/status.ts';
import type { Run } from '../puppet/run.ts';

/**
 * The things that a rerun shares with its run and does not get by inheritance, since Node changes them or the launcher
 * clears them. (Nice value, OOM score, groups, capabilities, the other limits … are inherited: the waiter is a child of the run.)
 */
export interface Surroundings {
  readonly environment: readonly Bytes[];
  readonly umask: number;
  readonly openFiles: Limit | undefined;
  /** Signal sets, bit n-1 for signal n, in hexadecimal. */
  readonly ignoredSignals: string;
  readonly blockedSignals: string;
}

/** Reads them from the run while it lives, and goes to its directory, even one that is deleted or that has a name of odd bytes. */
export function enterSurroundings(run: Run): Surroundings {
  const { pid } = run.process;
  try {
    // Where the launcher has left it there, it can't be entered: sudo(8) gives a user a folder that only root may enter.
    if (readlinkSync('/proc/self/cwd') !== readlinkSync(`/proc/${pid}/cwd`))
      process.chdir(`/proc/${pid}/cwd`);
    const status = parseStatus(readText(`/proc/${pid}/status`));
    if (!status) throw new Error(`/proc/${pid}/status is not readable`);
    return {
      environment: splitAtNul(readBytes(`/proc/${run.source.pid}/environ`)),
      umask: status.umask,
      openFiles: parseOpenFilesLimit(readText(`/proc/${pid}/limits`)),
      ignoredSignals: status.ignoredSignals.toString(16),
      blockedSignals: (isMomentary(status.blockedSignals) ? 0n : status.blockedSignals).toString(16),
    };
  } catch (error) {
    throw new Refusal(`the Puppet run (pid ${pid}) cannot be inspected: ${(error as Error).message}`);
  }
}

/**
 * Ruby blocks every signal while it starts a process, such as this one, and on a busy machine it can be seen at that (process.c,
 * disable_child_handler_before_fork). It is not how the run was started: Ruby takes all signals from its start on.
 */
export function isMomentary(blocked: bigint): boolean {
  const most = (1n << 31n) - 1n - ((1n << 8n) | (1n << 18n)); // SIGKILL and SIGSTOP can't be blocked
  return (blocked & most) === most;
}
