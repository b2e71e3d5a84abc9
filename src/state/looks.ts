import { readOwnFile, removeFile, replaceFile } from '../os/files.ts';
import { join } from '../os/path.ts';
import type { ProcessId } from '../os/process.ts';

/** How far a waiter has come with its looks, for people: by the ids of conditions. Only that waiter writes it. */
export interface LooksNote {
  readonly waiter: ProcessId;
  readonly conditions: Readonly<Record<string, LooksAt>>;
}

/** Of one condition. */
export interface LooksAt {
  /** How often it was looked at. */
  readonly looks: number;
  /** When a look ended last, in milliseconds of the monotonic clock. */
  readonly at: number;
  /** The result of that look, in words. */
  readonly answer: string;
}

function looksPath(folder: string, id: string): string {
  return join(folder, 'commands', `${id}.looks`);
}

/** A disk without room for it is no reason not to look. */
export function writeLooks(folder: string, id: string, note: LooksNote): void {
  try {
    replaceFile(looksPath(folder, id), `${JSON.stringify(note)}\n`);
  } catch {
    // It shows what was seen before.
  }
}

/** Removes the looks that this waiter has noted; those of another one that took its place stay. */
export function removeLooks(folder: string, id: string, waiter: ProcessId): void {
  if (Object.keys(readLooks(folder, id, waiter)).length > 0) removeFile(looksPath(folder, id));
}

/** The looks that a waiter has noted; none where the file is another waiter's. */
export function readLooks(folder: string, id: string, waiter: ProcessId): Readonly<Record<string, LooksAt>> {
  try {
    const { waiter: writer, conditions } = JSON.parse(readOwnFile(looksPath(folder, id)) ?? '') as LooksNote;
    if (writer.pid !== waiter.pid || writer.start !== waiter.start) return {};
    const valid = Object.entries(conditions).filter(
      ([, one]) =>
        Number.isSafeInteger(one.looks) && Number.isFinite(one.at) && typeof one.answer === 'string',
    );
    return Object.fromEntries(valid);
  } catch {
    return {};
  }
}
