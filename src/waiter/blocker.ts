import { readlinkSync } from 'node:fs';
import { type Bytes, fromBuffer, toBuffer } from '../bytes.ts';
import { join } from '../path.ts';
import { allPids, type ProcessId, readProcess } from '../proc/process.ts';
import { isDisabled, lockHolder } from '../puppet/lock.ts';
import type { PuppetSettings } from '../puppet/settings.ts';
import { contains } from '../read.ts';
import type { Command } from '../rerun/types.ts';
import { currentRerun } from '../state/current.ts';
import { unitState } from '../systemd/restart.ts';
import type { Held } from './held.ts';

/** Why a rerun that is due can't start yet. */
export type Blocker =
  /** Another run goes on. */
  | { readonly kind: 'run'; readonly run: ProcessId }
  /** `puppet agent --disable` */
  | { readonly kind: 'disabled' }
  /** The unit that is to be started again can't be yet: it has not quite ended, or something holds it, which `because` tells. */
  | { readonly kind: 'unit'; readonly because?: string };

export async function findBlocker(
  command: Command,
  { home, id, puppet, restart }: Held,
): Promise<Blocker | undefined> {
  const unit = restart && (await unitState(restart));
  if (unit?.kind === 'changing') return { kind: 'unit' };
  if (unit?.kind === 'held') return { kind: 'unit', because: unit.because };
  const current = currentRerun(join(home, 'state'), id);
  if (current) return { kind: 'run', run: current };
  return findOtherRun(command, puppet) ?? (unit?.kind === 'restarted' ? { kind: 'unit' } : undefined);
}

/** What is in the way of a command by Puppet's own files, or by the process table. */
export function findOtherRun(
  command: Command,
  settings: Pick<PuppetSettings, 'lockFile' | 'disabledFile'>,
): Blocker | undefined {
  if (command.mode === 'agent') {
    if (isDisabled(settings.disabledFile)) return { kind: 'disabled' };
    const run = lockHolder(settings.lockFile);
    return run && { kind: 'run', run };
  }
  const run = findSameCommand(command);
  return run && { kind: 'run', run };
}

/** `puppet apply` takes no lock, so another run of the same command is looked for among all processes. */
function findSameCommand(command: Command): ProcessId | undefined {
  const wanted = toBuffer(command.argv.map((argument) => `${argument}\0`).join('') as Bytes);
  for (const pid of allPids()) {
    try {
      if (pid === process.pid || !contains(`/proc/${pid}/cmdline`, wanted)) continue;
      const found = readProcess(pid);
      const directory = fromBuffer(readlinkSync(`/proc/${pid}/cwd`, { encoding: 'buffer' }));
      if (found?.status.effectiveUser === command.user && directory === command.directory) {
        return found.id;
      }
    } catch {
      // It ended while we looked, or is not ours to see.
    }
  }
  return undefined;
}
