import { readdirSync, statSync } from 'node:fs';
import { join } from '../path.ts';
import { allPids } from '../proc/process.ts';
import { removeFile } from './files.ts';
import { isHere, isOver, type Over } from './place.ts';
import { type CommandRecord, isHeld, removeRecord } from './records.ts';

/** Something that was pending and that nobody waits for any more. */
export interface Lost {
  readonly record: CommandRecord;
  readonly because: Over | 'its waiter was killed';
}

/**
 * Removes what is left of another boot and of dead waiters, and tells it, so that it is reported once, beside the records that somebody waits
 * for. What another place may still wait for is left alone and not told. Under the lock of the folder.
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
    if (isHeld(record)) {
      records.set(id, record);
      continue;
    }
    const because = isHere(record) ? 'its waiter was killed' : isOver(record, allPids);
    if (because === undefined) continue;
    removeRecord(folder, id);
    // A record without entries was cancelled, or satisfied; only its waiter's end was missing.
    if (record.entries.length > 0) lost.push({ record, because });
  }
  return { lost, records };
}

/** Milliseconds after which a temporary file belongs to a process that was killed while it wrote. */
const STRAY_MS = 60_000;

/** Removes temporary files that nobody will rename any more. */
export function removeStrays(folder: string): void {
  for (const place of [folder, join(folder, 'commands'), join(folder, 'history')]) {
    for (const name of readdirSync(place).filter((entry) => entry.endsWith('.tmp'))) {
      const changed = statSync(join(place, name), { throwIfNoEntry: false })?.mtimeMs;
      if (changed !== undefined && Date.now() - changed > STRAY_MS) removeFile(join(place, name));
    }
  }
}
