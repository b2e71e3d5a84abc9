import { log } from '../os/journal.ts';
import { Refusal } from '../os/refusal.ts';
import { SECOND_MS } from '../os/second.ts';
import { version } from '../os/version.ts';
import { describeHold, type Hold, LONGEST_PERIOD, parsePeriod } from '../schedule/hold.ts';
import { isName } from '../schedule/request.ts';
import { currentReruns } from '../state/current.ts';
import { readHold, removeHold, writeHold } from '../state/hold.ts';
import { recordIn } from '../state/lock.ts';
import { hasLivingWaiter, readRecords } from '../state/records.ts';
import { formatTime } from './duration.ts';

/** A hold as programs see it; times are ISO 8601, UTC. */
export interface ShownHold {
  readonly since: string;
  readonly until: string;
  readonly reason?: string;
}

export function shownHold({ since, until, reason }: Hold): ShownHold {
  const [from, to] = [since, until].map((time) => new Date(time).toISOString()) as [string, string];
  return { since: from, until: to, ...(reason !== undefined && { reason }) };
}

/**
 * Keeps every rerun of the folder from starting, in place of an earlier hold, and returns what people are told. When it returns, no rerun starts any more; one that
 * is going continues.
 *
 * @param period seconds
 * @throws {Refusal} where it can't be written
 */
export async function hold(folder: string, period: number, reason: string | undefined): Promise<string> {
  const since = Date.now();
  const hold: Hold = {
    version: 1,
    since,
    until: since + period * SECOND_MS,
    ...(reason !== undefined && { reason }),
  };
  await recordIn(folder, () => writeHold(folder, hold));
  const { until } = shownHold(hold);
  log('held', `no rerun starts before ${describeHold(hold)}`);
  const going = currentReruns(folder).map(({ pid }) => `The rerun with pid ${pid} continues to its end.\n`);
  return [
    `Held until ${formatTime(until)}${inBrackets(reason)}: no rerun starts before that, or \`again release\`.\n`,
    ...going,
    ...unaware(folder),
  ].join('');
}

/** Waiters that an update has left, of the one version that knew no hold. */
function unaware(folder: string): string[] {
  return [...readRecords(folder).values()]
    .filter((record) => hasLivingWaiter(record) && record.software === '0.1.0' && version !== '0.1.0')
    .map(
      ({ waiter }) =>
        `The waiter with pid ${waiter.pid} is still version 0.1.0, which knows no hold: \`kill ${waiter.pid}\` cancels it.\n`,
    );
}

/**
 * Ends a hold: what is due starts at once. Returns what people are told.
 *
 * @throws {Refusal} where the folder can't be written
 */
export async function release(folder: string): Promise<string> {
  const ended = await recordIn(folder, () => {
    const hold = readHold(folder);
    removeHold(folder);
    return hold;
  });
  if (!ended) return 'Nothing was held.\n';
  log('released', 'reruns may start again');
  return `Released: the hold until ${formatTime(shownHold(ended).until)}${inBrackets(ended.reason)} is over.\n`;
}

function inBrackets(reason: string | undefined): string {
  return reason === undefined ? '' : ` (${reason})`;
}

/** @throws {Refusal} for anything but a period of 1 s to 30 d */
export function checkedPeriod(text: string): number {
  const period = parsePeriod(text);
  if (period !== undefined) return period;
  throw new Refusal(
    `--for ${JSON.stringify(text)}: must be a time such as 45m, 2h or 1d, from 1s to ${LONGEST_PERIOD / 86_400}d`,
    64,
  );
}

/** @throws {Refusal} for a reason that does not fit on a line */
export function checkedReason(words: readonly string[]): string | undefined {
  if (words.length === 0) return undefined;
  const reason = words.join(' ');
  if (isName(reason)) return reason;
  throw new Refusal(`the reason ${JSON.stringify(reason)}: must be 1 to 255 characters on one line`, 64);
}
