import { fault } from '../os/fault.ts';
import { log } from '../os/journal.ts';
import { type Entry, leftBy } from '../schedule/entry.ts';
import { displayNames } from '../schedule/names.ts';
import type { CommandRecord } from '../state/records.ts';
import type { WaiterContext } from './context.ts';
import { changeRecord } from './record.ts';
import type { SatisfyingRun } from './satisfaction.ts';

/** Takes out what another run has satisfied; the entries that it has asked for itself stay. */
export async function noteSatisfied(
  context: WaiterContext,
  { entries: before }: CommandRecord,
  run: SatisfyingRun,
): Promise<void> {
  const left = (entries: readonly Entry[]) => leftBy(entries, run);
  if (left(before).length === before.length) return;
  let gone: readonly Entry[] = [];
  fault('satisfied.noting');
  await changeRecord(
    context,
    (record) => {
      const entries = left(record.entries);
      gone = record.entries.filter((entry) => !entries.includes(entry));
      return { ...record, entries };
    },
    // Only now: as long as there is no room to write the record, they are still pending.
    () => gone.length > 0 && log('satisfied', `${displayNames(gone)}: by an ordinary run, pid ${run.id.pid}`),
  );
}
