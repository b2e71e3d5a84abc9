// The room cli/ is the commands of people, and how their answers are drawn.

import { setTimeout as sleep } from 'node:timers/promises';
import { monotonic } from '../os/clock.ts';
import { log } from '../os/journal.ts';
import { isAlive, type ProcessId } from '../os/process.ts';
import { displayName, isMeant } from '../schedule/names.ts';
import { formatCancellation } from '../state/channel-message.ts';
import { type ChannelRecord, readChannelRecords } from '../state/channel-record.ts';
import { recordIn } from '../state/lock.ts';
import {
  type CommandRecord,
  hasLivingWaiter,
  readRecord,
  readRecords,
  writeRecord,
} from '../state/records.ts';
import { conclude, failureOf, sayInForeground } from './foreground.ts';

const PATIENCE_MS = 10_000;

/** Of which commands something is cancelled. */
export interface Scope {
  readonly isMeant: (record: CommandRecord) => boolean;
  readonly isMeantInForeground: (record: ChannelRecord) => boolean;
}

const EVERYTHING: Scope = { isMeant: () => true, isMeantInForeground: () => true };

/**
 * Cancels what is pending under one name (`again` means `Exec['again']` too), or all of it, and tells the names once no waiter holds them.
 *
 * @param tell is told them, also where some of it could not be cancelled
 * @param scope which records count. Default: each
 * @throws {Refusal} where nothing of that name is pending, or an `again run` does not answer
 */
export async function cancel(
  folder: string,
  name: string | undefined,
  tell: (cancelled: readonly string[]) => void,
  scope: Scope = EVERYTHING,
): Promise<void> {
  const wanted = (entry: { readonly name?: string }) => isMeant(entry, name);
  const inBackground: string[] = [];
  const ending: { readonly id: string; readonly waiter: ProcessId }[] = [];
  const failure = await failureOf(
    recordIn(folder, () => {
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
        note(inBackground); // what was cancelled before the disk was full, too
      }
    }),
  );
  const said = formatCancellation({ cancel: name === undefined ? 'all' : { name } });
  const answers = await sayInForeground(said, name, scope.isMeantInForeground);
  note(answers.names);
  const deadline = monotonic() + PATIENCE_MS;
  // A run may have notified again meanwhile: its waiter continues.
  const isEnding = ({ id, waiter }: (typeof ending)[number]) =>
    isAlive(waiter) && !readRecord(folder, id)?.entries.length;
  while (ending.some(isEnding) && monotonic() < deadline) await sleep(10);
  conclude({ found: [...answers.names, ...inBackground], failure, answers }, name, tell);
}

/** Whether anything is pending that {@link cancel} would find. */
export function isPending(folder: string, scope: Scope): boolean {
  const isHere = (record: CommandRecord) =>
    record.entries.length > 0 && hasLivingWaiter(record) && scope.isMeant(record);
  return (
    [...readRecords(folder).values()].some(isHere) ||
    readChannelRecords().some(({ record }) => record.entries.length > 0 && scope.isMeantInForeground(record))
  );
}

function note(cancelled: readonly string[]): void {
  if (cancelled.length > 0) log('cancelled', cancelled.join(', '));
}
