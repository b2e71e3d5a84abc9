import { log } from '../journal.ts';
import { withoutSatisfied } from '../schedule/entry.ts';
import { displayNames } from '../schedule/names.ts';
import type { CommandRecord } from '../state/records.ts';
import type { Held } from './held.ts';
import { changeEntries } from './record.ts';

/** Takes out what another run has satisfied, which began at this time. */
export async function noteSatisfied(
  held: Held,
  { entries: before }: CommandRecord,
  began: number,
): Promise<void> {
  const left = withoutSatisfied(before, began);
  if (left.length === before.length) return;
  log('satisfied', `${displayNames(before.filter((entry) => !left.includes(entry)))}: by an ordinary run`);
  await changeEntries(held, (entries) => withoutSatisfied(entries, began));
}
