import { monotonic } from '../os/clock.ts';
import { log } from '../os/journal.ts';
import { Refusal } from '../os/refusal.ts';
import { hurried } from '../schedule/hurry.ts';
import { displayName, isMeant } from '../schedule/names.ts';
import { socketOf } from '../state/channel.ts';
import { formatHurry } from '../state/channel-message.ts';
import { readChannelRecords } from '../state/channel-record.ts';
import { converse } from '../state/converse.ts';
import { recordIn } from '../state/lock.ts';
import { hasLivingWaiter, readRecords, writeRecord } from '../state/records.ts';

/**
 * Makes what is pending under one name (`again` means `Exec['again']` too), or all of it, due at once, and returns the names. What else keeps a rerun from
 * starting still does: a run that is going, a hold, `puppet agent --disable`, the grace time.
 *
 * @throws {Refusal} where nothing of that name is pending
 */
export async function hurry(folder: string, name: string | undefined): Promise<string[]> {
  const names: string[] = await hurryInForeground(name);
  await recordIn(folder, () => {
    const now = monotonic();
    for (const [id, record] of readRecords(folder)) {
      const wanted = record.entries.filter((entry) => isMeant(entry, name));
      if (wanted.length === 0 || !hasLivingWaiter(record)) continue;
      names.push(...wanted.map((entry) => displayName(entry.name)));
      const entries = record.entries.map((entry) => (wanted.includes(entry) ? hurried(entry, now) : entry));
      // The waiter sees the change.
      writeRecord(folder, id, { ...record, entries });
    }
  });
  if (name !== undefined && names.length === 0)
    throw new Refusal(`nothing is pending under the name ${JSON.stringify(name)}: see \`again status\``);
  if (names.length > 0) log('due now', names.join(', '));
  return names;
}

/** The same below each `again run`. */
async function hurryInForeground(name: string | undefined): Promise<string[]> {
  const names: string[] = [];
  for (const { folder, record } of readChannelRecords()) {
    const wanted = record.entries.filter((entry) => isMeant(entry, name));
    if (wanted.length === 0) continue;
    const said = formatHurry({ now: name === undefined ? 'all' : { name } });
    if ((await converse(socketOf(folder), said)) === '') continue; // it has just ended, or is of an older version
    names.push(...wanted.map((entry) => displayName(entry.name)));
  }
  return names;
}
