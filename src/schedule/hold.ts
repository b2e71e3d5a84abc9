import { SECOND_MS } from '../os/second.ts';

/** The hold that `again hold` has set: no rerun starts before its end. Times are milliseconds since 1970, since people mean the clock on the wall, and since it survives a reboot. */
export interface Hold {
  readonly version: 1;
  readonly since: number;
  readonly until: number;
  /** The reason, as it was typed. */
  readonly reason?: string;
}

const UNITS = { d: 86_400, h: 3600, m: 60, s: 1 } as const;

/** Seconds of a hold for which no end was given: a working day. */
export const DEFAULT_PERIOD = 8 * UNITS.h;

/** Seconds of the longest hold, 30 days; a longer one is a matter of the manifest. */
export const LONGEST_PERIOD = 30 * UNITS.d;

/** By how many milliseconds the clock may be set back during a hold without ending it. */
const SET_BACK_MS = 300 * SECOND_MS;

/**
 * Seconds of a period as people write it: `90` or `90s`, `15m`, `2h`, `1d`, `1h30m`. Undefined for anything else, and for less than a second or more than 30 days.
 */
export function parsePeriod(text: string): number | undefined {
  const parts = /^(?:(\d{1,7})d)?(?:(\d{1,7})h)?(?:(\d{1,7})m)?(?:(\d{1,7})s?)?$/.exec(text)?.slice(1);
  if (!parts) return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = parts.map((part) => Number(part ?? 0));
  const period = days * UNITS.d + hours * UNITS.h + minutes * UNITS.m + seconds;
  return period >= 1 && period <= LONGEST_PERIOD ? period : undefined;
}

/**
 * Milliseconds for which a hold still holds; 0 where it is over. It never holds longer than was asked for: where the clock was set back so far that it would, it is over.
 *
 * @param now milliseconds since 1970
 */
export function leftOf({ since, until }: Hold, now: number): number {
  const left = until - now;
  return left > 0 && left <= until - since + SET_BACK_MS ? left : 0;
}

/** Reads what was written of a hold; undefined for anything else. */
export function parseHold(content: string): Hold | undefined {
  try {
    const { version, since, until, reason } = JSON.parse(content) as Hold;
    const valid =
      version === 1 &&
      [since, until].every(isTime) &&
      (reason === undefined || typeof reason === 'string') &&
      until > since;
    return valid ? { version, since, until, ...(reason !== undefined && { reason }) } : undefined;
  } catch {
    return undefined;
  }
}

/** The last moment that a Date knows (ECMA-262, 21.4.1.1). */
const LAST_MOMENT = 8.64e15;

function isTime(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= LAST_MOMENT;
}

/** The end that is waited for, in words. */
export function describeHold({ until, reason }: Hold): string {
  const end = new Date(until).toISOString().replace(/\.\d+/, '');
  return `the end of the hold at ${end}${reason === undefined ? '' : ` (${reason})`}, or \`again release\``;
}
