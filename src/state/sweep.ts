import { readdirSync, statSync } from 'node:fs';
import { removeFile } from '../os/files.ts';
import { join } from '../os/path.ts';
import { isHere, type Over, whyOver } from '../os/place.ts';
import { allPids } from '../os/process.ts';
import { lockPrefix } from './lock.ts';
import { newLogName } from './logs.ts';
import { type CommandRecord, closeRecord, hasLivingWaiter, isClosed, recordPath } from './records.ts';

/** A record without a living waiter. */
export interface Lost {
  readonly id: string;
  readonly record: CommandRecord;
  readonly because: Over | 'its waiter was killed';
}

/**
 * Separates the records that another boot and dead waiters have left from those that a living process waits for. A record
 * that another place may still wait for is in neither. Nothing is removed: {@link forget} does that, once the loss is reported.
 *
 * @param found all records, as they are now
 */
export function sweep(
  folder: string,
  found: ReadonlyMap<string, CommandRecord>,
): { lost: Lost[]; records: Map<string, CommandRecord> } {
  const lost: Lost[] = [];
  const records = new Map<string, CommandRecord>();
  for (const [id, record] of found) {
    if (hasLivingWaiter(record) || (isHere(record) && isClosed(record))) {
      records.set(id, record);
      continue;
    }
    const because = isHere(record)
      ? 'its waiter was killed'
      : whyOver(record, () => ageOf(recordPath(folder, id)), allPids);
    if (because === undefined) continue;
    lost.push({ id, record, because });
  }
  return { lost, records };
}

/** Milliseconds since a file was touched; none where it is gone. */
function ageOf(path: string): number {
  const touched = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return touched === undefined ? 0 : Date.now() - touched;
}

/**
 * Reports each lost rerun, once, and removes its record; in this order, so that a process that is killed in between leaves it for the next one that looks. Under the lock
 * of the folder.
 */
export function forget<Told>(folder: string, lost: readonly Lost[], tell: (lost: Lost) => Told): Told[] {
  // A record without entries was cancelled, or satisfied; only its waiter's end was missing.
  const told = lost.filter(({ record }) => record.entries.length > 0).map(tell);
  for (const { id, record } of lost) closeRecord(folder, id, record, newLogName(new Date()));
  return told;
}

/** Milliseconds after which a temporary file belongs to a process that was killed while it wrote. */
const STRAY_MS = 60_000;
/** Milliseconds after which a lock that is not this place's belongs to no living process: each is held for milliseconds. */
const OLD_LOCK_MS = 86_400_000;

/** Milliseconds after which nobody asks for what was noted of a command's last rerun: a back-off is a day at most. */
const OLD_NOTE_MS = 7 * 86_400_000;

/** Removes temporary files that no process will rename any more, and what places, commands and versions that are gone have left. */
export function removeStrays(folder: string): void {
  removeOld(folder, (name) => name.startsWith('lock') && !name.startsWith(lockPrefix()), OLD_LOCK_MS);
  for (const place of [folder, join(folder, 'commands'), join(folder, 'history')])
    removeOld(place, (name) => name.endsWith('.tmp'), STRAY_MS);
  removeOld(join(folder, 'commands'), (name) => /\.(?:rerun|last|chain|starts)$/.test(name), OLD_NOTE_MS);
  removeOld(folder, (name) => name.startsWith('starting-'), OLD_NOTE_MS);
}

function removeOld(folder: string, isMeant: (name: string) => boolean, age: number): void {
  for (const name of readdirSync(folder).filter(isMeant)) {
    const changed = statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs;
    if (changed !== undefined && Date.now() - changed > age) removeFile(join(folder, name));
  }
}
