// The room cli/ is the commands of people, and how their answers are drawn.

import { setTimeout as sleep } from 'node:timers/promises';
import { monotonic } from '../os/clock.ts';
import { log } from '../os/journal.ts';
import { isAlive, type ProcessId } from '../os/process.ts';
import { Refusal } from '../os/refusal.ts';
import { displayName, isMeant } from '../schedule/names.ts';
import { socketOf } from '../state/channel.ts';
import { formatCancellation } from '../state/channel-message.ts';
import { type ChannelRecord, readChannelRecords } from '../state/channel-record.ts';
import { converse } from '../state/converse.ts';
import { recordIn } from '../state/lock.ts';
import {
  type CommandRecord,
  hasLivingWaiter,
  readRecord,
  readRecords,
  writeRecord,
} from '../state/records.ts';

const PATIENCE_MS = 10_000;

/** Of which commands something is cancelled. */
export interface Scope {
  readonly isMeant: (record: CommandRecord) => boolean;
  readonly isMeantInForeground: (record: ChannelRecord) => boolean;
}

const EVERYTHING: Scope = { isMeant: () => true, isMeantInForeground: () => true };

/**
 * Cancels what is pending under one name (`again` means `Exec['again']` too), or all of it, and returns the names once no waiter holds them.
 *
 * @param scope which records count. Default: each
 * @throws {Refusal} where nothing of that name is pending
 */
export async function cancel(
  folder: string,
  name: string | undefined,
  scope: Scope = EVERYTHING,
): Promise<string[]> {
  const wanted = (entry: { readonly name?: string }) => isMeant(entry, name);
  const inForeground = await cancelInForeground(name, scope);
  const inBackground: string[] = [];
  const ending: { readonly id: string; readonly waiter: ProcessId }[] = [];
  tell(inForeground);
  await recordIn(folder, () => {
    try {
      for (const [id, record] of readRecords(folder)) {
        if (!hasLivingWaiter(record) || !scope.isMeant(record)) continue;
        const left = record.entries.filter((entry) => !wanted(entry));
        if (left.length === record.entries.length) continue;
        // The waiter sees the change, and ends when nothing is left.
        writeRecord(folder, id, { ...record, entries: left });
        inBackground.push(...record.entries.filter(wanted).map((entry) => displayName(entry.name)));
        if (left.length === 0) ending.push({ id, waiter: record.waiter });
      }
    } finally {
      tell(inBackground); // what was cancelled before the disk was full, too
    }
  });
  const cancelled = [...inForeground, ...inBackground];
  if (name !== undefined && cancelled.length === 0)
    throw new Refusal(`nothing is pending under the name ${JSON.stringify(name)}: see \`again status\``);
  const deadline = monotonic() + PATIENCE_MS;
  // A run may have notified again meanwhile: its waiter continues.
  const isEnding = ({ id, waiter }: (typeof ending)[number]) =>
    isAlive(waiter) && !readRecord(folder, id)?.entries.length;
  while (ending.some(isEnding) && monotonic() < deadline) await sleep(10);
  return cancelled;
}

function tell(cancelled: readonly string[]): void {
  if (cancelled.length > 0) log('cancelled', cancelled.join(', '));
}

/** Makes each `again run` drop what is meant, and returns the names of that. */
async function cancelInForeground(name: string | undefined, scope: Scope): Promise<string[]> {
  const cancelled: string[] = [];
  for (const { folder, record } of readChannelRecords()) {
    const wanted = record.entries.filter((entry) => isMeant(entry, name));
    if (wanted.length === 0 || !scope.isMeantInForeground(record)) continue;
    const said = formatCancellation({ cancel: name === undefined ? 'all' : { name } });
    if ((await converse(socketOf(folder), said)) === '') continue; // it has just ended
    cancelled.push(...wanted.map((entry) => displayName(entry.name)));
  }
  return cancelled;
}
