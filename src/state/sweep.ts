import { bootId } from '../clock.ts';
import { type CommandRecord, isHeld, readRecords, removeRecord } from './records.ts';

/** Something that was pending and that nobody waits for any more. */
export interface Lost {
  readonly record: CommandRecord;
  readonly because: 'the machine was booted anew' | 'its waiter was killed';
}

/** Removes what is left of another boot and of dead waiters, and tells it, so that it is reported once. Under the lock of the folder. */
export function sweep(folder: string): Lost[] {
  const lost: Lost[] = [];
  for (const [id, record] of readRecords(folder)) {
    if (isHeld(record)) continue;
    removeRecord(folder, id);
    lost.push({
      record,
      because: record.boot === bootId() ? 'its waiter was killed' : 'the machine was booted anew',
    });
  }
  return lost;
}
