import { monotonic } from '../os/clock.ts';
import { log } from '../os/journal.ts';
import { hurried } from '../schedule/hurry.ts';
import { displayName, isMeant } from '../schedule/names.ts';
import { formatHurry } from '../state/channel-message.ts';
import { recordIn } from '../state/lock.ts';
import { hasLivingWaiter, readRecords, writeRecord } from '../state/records.ts';
import { conclude, failureOf, sayInForeground } from './foreground.ts';

/**
 * Makes what is pending under one name (`again` means `Exec['again']` too), or all of it, due at once, and tells the names. What else keeps a rerun from
 * starting still does: a run that is going, a hold, `puppet agent --disable`, the grace time.
 *
 * @param tell is told them, also where some of it could not be hurried
 * @throws {Refusal} where nothing of that name is pending, or an `again run` does not answer
 */
export async function hurry(
  folder: string,
  name: string | undefined,
  tell: (hurried: readonly string[]) => void,
): Promise<void> {
  const names: string[] = [];
  const failure = await failureOf(
    recordIn(folder, () => {
      const now = monotonic();
      for (const [id, record] of readRecords(folder)) {
        const wanted = record.entries.filter((entry) => isMeant(entry, name));
        if (wanted.length === 0 || !hasLivingWaiter(record)) continue;
        const entries = record.entries.map((entry) => (wanted.includes(entry) ? hurried(entry, now) : entry));
        // The waiter sees the change.
        writeRecord(folder, id, { ...record, entries });
        names.push(...wanted.map((entry) => displayName(entry.name)));
      }
    }),
  );
  const answers = await sayInForeground(formatHurry({ now: name === undefined ? 'all' : { name } }), name);
  names.unshift(...answers.names);
  if (names.length > 0) log('due now', names.join(', '));
  conclude({ found: names, failure, answers }, name, tell);
}
