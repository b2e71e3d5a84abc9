import { statSync, utimesSync } from 'node:fs';
import { fault } from '../os/fault.ts';
import { basename, dirname } from '../os/path.ts';
import { TOUCHED_MS } from '../os/place.ts';
import type { ProcessId } from '../os/process.ts';
import { type Entry, isSameEntry, type RunEnd, withRunEnded } from '../schedule/entry.ts';
import { openStateFolder } from '../state/folder.ts';
import { withLock } from '../state/lock.ts';
import { newLogName } from '../state/logs.ts';
import {
  areOfOneLineage,
  type CommandRecord,
  closeRecord,
  hasLivingWaiter,
  isClosed,
  isMine,
  jointLineage,
  movedEntries,
  newerVersion,
  readRecord,
  recordPath,
  writeRecord,
} from '../state/records.ts';
import { giveWords, neededBy, readOwnWords } from './condition/words.ts';
import type { WaiterContext } from './context.ts';
import type { Wakeup } from './wakeup.ts';

/** Has a change of the record, and of no other, end a sleep. */
export function watchRecord({ home, id }: WaiterContext, wakeup: Wakeup): void {
  const path = recordPath(openStateFolder(home), id);
  wakeup.watch(dirname(path), { name: basename(path) });
}

/**
 * The record as it is now, or undefined where another waiter has taken it over, also one of a newer version, whose record is not understood here. A record that is
 * gone or rubbish was not removed by `again`: the entries of this process are still pending, so they are written again, or handed to the waiter that came meanwhile and began from nothing.
 *
 * @param seen what this process has last seen
 */
export async function ownRecord(
  context: WaiterContext,
  seen: CommandRecord,
  wakeup: Wakeup,
): Promise<CommandRecord | undefined> {
  const folder = openStateFolder(context.home);
  fault('record.reading');
  const record = readRecord(folder, context.id);
  if (isMine(record)) {
    touch(recordPath(folder, context.id));
    return record;
  }
  if (record && areOfOneLineage(record, seen)) return undefined;
  watchRecord(context, wakeup);
  return withLock(folder, () => {
    const other = readRecord(folder, context.id);
    if (!other && newerVersion(folder, context.id) !== undefined) return undefined;
    const again = withEntriesOf(other, seen);
    writeRecord(folder, context.id, again);
    if (isMine(again)) return again;
    handWords(again, seen.entries);
    return undefined;
  });
}

/** The entries of a process, with those that were recorded meanwhile: in its own record, unless another waiter is there to take them. */
export function withEntriesOf(other: CommandRecord | undefined, seen: CommandRecord): CommandRecord {
  if (!other) return seen;
  const areForOther = hasLivingWaiter(other) && !isClosed(other);
  const entries = areForOther
    ? merged(movedEntries(seen), other.entries)
    : merged(seen.entries, movedEntries(other));
  const lineage = jointLineage(seen, other);
  if (areForOther) return { ...other, lineage, entries };
  const former = [...(seen.former ?? []), ...(other.former ?? [])];
  return { ...seen, lineage, ...(former.length > 0 && { former }), entries };
}

/** Where the other waiter has no place for the words of conditions, they count as lost there, and so as true. */
function handWords({ waiter }: CommandRecord, entries: readonly Entry[]): void {
  try {
    giveWords(waiter, neededBy(entries, readOwnWords()));
  } catch {
    // A rerun too many is better than one too few.
  }
}

/** Shows a process that can't see this one, in another container, that a process waits for this record (os/place.ts). */
function touch(path: string): void {
  try {
    const now = new Date();
    if (now.getTime() - statSync(path).mtimeMs > TOUCHED_MS) utimesSync(path, now, now);
  } catch {
    // It was removed just now, or the disk can't be written: the next step tries again.
  }
}

/** All entries of both; of the same name and kind the newer one's. */
export function merged(older: readonly Entry[], newer: readonly Entry[]): Entry[] {
  return [...older.filter((entry) => !newer.some((other) => isSameEntry(entry, other))), ...newer];
}

export async function noteRunEnd(context: WaiterContext, run: ProcessId, end: RunEnd): Promise<void> {
  await changeRecord(context, (record) => ({ ...record, entries: withRunEnded(record.entries, run, end) }));
}

/**
 * Changes the record, where this process is still the waiter.
 *
 * @param tell called once the record is written, under the same lock: a process that is killed while it releases the lock has reported the change
 */
export async function changeRecord(
  context: WaiterContext,
  change: (record: CommandRecord) => CommandRecord,
  tell?: () => void,
): Promise<void> {
  const folder = openStateFolder(context.home);
  await withLock(folder, () => {
    const record = readRecord(folder, context.id);
    if (!isMine(record)) return;
    writeRecord(folder, context.id, change(record));
    tell?.();
  });
}

/** Removes the record where nothing is pending in it; returns whether this process has nothing to wait for any more. */
export async function finishRecord(context: WaiterContext): Promise<boolean> {
  const folder = openStateFolder(context.home);
  return withLock(folder, () => {
    const record = readRecord(folder, context.id);
    if (!isMine(record)) return record !== undefined;
    // A notification may have come since the record was read.
    if (record.entries.length > 0) return false;
    closeRecord(folder, context.id, record, newLogName(new Date()));
    return true;
  });
}

/**
 * Cancels all that is pending.
 *
 * @param seen what is pending as far as this process knows: it counts where the record was removed
 * @param tell called with what is cancelled, before it goes
 */
export async function cancelRecord(
  context: WaiterContext,
  seen: CommandRecord,
  tell: (entries: readonly Entry[]) => void,
): Promise<void> {
  const folder = openStateFolder(context.home);
  await withLock(folder, () => {
    const record = readRecord(folder, context.id);
    if (record ? !isMine(record) : newerVersion(folder, context.id) !== undefined) return;
    tell((record ?? seen).entries);
    fault('cancel.told');
    if (record) closeRecord(folder, context.id, record, newLogName(new Date()));
  });
}
