import { existsSync } from 'node:fs';
import { type Bytes, splitAtNul } from '../os/bytes.ts';
import { type ProcessId, readStat } from '../os/process.ts';
import { readBytes } from '../os/read.ts';
import { hasEnded } from '../os/stat.ts';
import { lockPid } from './settings.ts';

/**
 * The agent run that holds the lock, by Puppet's own idea of a stale one (lib/puppet/util/pidlock.rb): the process must live, and be a Puppet.
 * A crashed agent leaves its lock behind, and its pid may by now be that of any process.
 */
export function lockHolder(lockFile: string): ProcessId | undefined {
  const pid = lockPid(lockFile);
  const stat = pid === undefined ? undefined : readStat(pid);
  if (pid === undefined || !stat || hasEnded(stat)) return undefined;
  try {
    const name = readBytes(`/proc/${pid}/comm`).trim();
    const argv = splitAtNul(readBytes(`/proc/${pid}/cmdline`));
    return isPuppet(name, argv) ? { pid, start: stat.start } : undefined;
  } catch {
    return undefined;
  }
}

/** By the values that Puppet asks `ps` for: `comm=` and `args=`. */
export function isPuppet(name: string, argv: readonly Bytes[]): boolean {
  return (/ruby/.test(name) && /puppet/.test(argv.join(' '))) || /puppet(-.*)?$/.test(name);
}

/** Whether `puppet agent --disable` holds. */
export function isDisabled(disabledFile: string): boolean {
  return existsSync(disabledFile);
}
