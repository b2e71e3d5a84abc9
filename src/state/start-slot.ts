import { monotonic } from '../os/clock.ts';
import { readOwnFile, removeFile, replaceFile } from '../os/files.ts';
import { join } from '../os/path.ts';
import { here, isHere, type Place, placeTag } from '../os/place.ts';
import { isAlive, type ProcessId, self } from '../os/process.ts';
import type { Command } from '../puppet/command.ts';
import { lockHolder } from '../puppet/lock.ts';

/** How long a process may take from its start slot to Puppet at work; after that it is seen otherwise, or hangs. */
const LONGEST_MS = 15_000;

/**
 * A rerun that is about to start. Taken under the lock of the folder, together with the last look for other runs, so that one starts at a time; kept until
 * Puppet is seen at work, waits for its own lock, or has ended.
 */
export interface StartSlot extends ProcessId, Place {
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
  readonly mode: Command['mode'];
  /** The lock that an agent takes. */
  readonly lockFile: string;
}

export function slotPath(folder: string): string {
  return join(folder, `starting-${placeTag()}.json`);
}

/** Takes the slot for this process. Under the lock of the folder. */
export function takeSlot(folder: string, mode: Command['mode'], lockFile: string): void {
  const slot: StartSlot = { ...self(), ...here(), at: monotonic(), mode, lockFile };
  replaceFile(slotPath(folder), `${JSON.stringify(slot)}\n`);
}

/** The process that has the slot and may still be on the way to Puppet; undefined where none has. */
export function slotHolder(folder: string): StartSlot | undefined {
  const slot = readSlot(folder);
  if (!slot || !isHere(slot) || (slot.pid === process.pid && slot.start === self().start)) return undefined;
  return isAlive(slot) && monotonic() - slot.at < LONGEST_MS ? slot : undefined;
}

/**
 * Whether the process of a slot no longer needs it: Puppet has its lock, or waits for one that another process has. A `puppet apply` is seen by
 * its command line, as a run.
 */
export function isPastStart({ mode, lockFile }: StartSlot): boolean {
  return mode === 'agent' && lockHolder(lockFile) !== undefined;
}

/** Gives this process's slot back. */
export function leaveSlot(folder: string): void {
  const slot = readSlot(folder);
  if (slot?.pid === process.pid && slot.start === self().start) removeFile(slotPath(folder));
}

function readSlot(folder: string): StartSlot | undefined {
  try {
    const slot = JSON.parse(readOwnFile(slotPath(folder)) ?? '') as StartSlot;
    const valid = [slot.pid, slot.start, slot.at].every(Number.isFinite) && typeof slot.lockFile === 'string';
    return valid ? slot : undefined;
  } catch {
    return undefined;
  }
}
