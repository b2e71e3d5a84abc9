import { SECOND_MS } from '../os/second.ts';

/** The condition of a `common::again::when`: its words, which only the memory of a process holds. */
export interface Condition {
  /** Paths that must be there. */
  readonly exists: readonly string[];
  /** `HOST:PORT` or `[IPv6]:PORT`, each of which must take a connection. */
  readonly connects: readonly string[];
  /** The command that must end with 0: a line for the shell, or its words; undefined for none. */
  readonly succeeds: string | readonly string[] | undefined;
  /** Whether the manifest calls the command `Sensitive`: then it is never shown. */
  readonly sensitive: boolean;
  /** Seconds between two looks. */
  readonly interval: number;
  /** Seconds after the end of the run after which it is not waited for any more. */
  readonly timeout: number;
  /** After that: the rerun all the same, or none. */
  readonly onTimeout: 'run' | 'drop';
}

/** A condition in a record, without the words of its command. Durations and times are milliseconds, times of the monotonic clock. */
export interface Awaited {
  /** Names the words in the memory of the waiter. */
  readonly id: string;
  /** The condition in words, for people. */
  readonly what: string;
  readonly interval: number;
  readonly timeout: number;
  readonly onTimeout: 'run' | 'drop';
  /** The part of the splay that passes between the event and the rerun. */
  readonly splay: number;
  /** When a look found that it holds; it stays true. */
  readonly metAt?: number;
}

/** The variable in which the define passes the words of a condition to the launcher, and the launcher to `again`: {@link parseCondition}. */
export const CONDITION_VARIABLE = 'AGAIN_WHEN';

/** Characters of a condition as JSON: the kernel takes 128 KiB as one variable (execve(2)), and a channel 64 KiB as one notice. */
export const LONGEST_CONDITION = 32_768;

/** Longest interval, and longest timeout (ten years), in seconds. */
const LONGEST_INTERVAL = 3600;
const LONGEST_TIMEOUT = 315_360_000;

/** Reads the JSON that the define writes (and `again` hands on); undefined for anything else. */
export function parseCondition(text: string): Condition | undefined {
  if (text.length > LONGEST_CONDITION) return undefined;
  try {
    return conditionOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The same from parsed JSON. */
export function conditionOf(value: unknown): Condition | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { exists, connects, succeeds, sensitive, interval, timeout, onTimeout } = value as Partial<
    Record<keyof Condition, unknown>
  >;
  const valid =
    isList(exists, isPath) &&
    isList(connects, isEndpoint) &&
    isCommand(succeeds) &&
    typeof sensitive === 'boolean' &&
    isSeconds(interval, 1, LONGEST_INTERVAL) &&
    isSeconds(timeout, 1, LONGEST_TIMEOUT) &&
    (onTimeout === 'run' || onTimeout === 'drop');
  if (!valid || (exists.length === 0 && connects.length === 0 && succeeds == null)) return undefined;
  return { exists, connects, succeeds: succeeds ?? undefined, sensitive, interval, timeout, onTimeout };
}

export function formatCondition(condition: Condition): string {
  return JSON.stringify(condition);
}

/** The host, a name or an address, and the port of an endpoint; undefined for a text that is none. */
export function parseEndpoint(text: string): { readonly host: string; readonly port: number } | undefined {
  const match =
    /^(?:\[(?=[^\]]*:)([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([^\s:[\]/%-][^\s:[\]/%]{0,252})):(\d{1,5})$/.exec(
      text,
    );
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < 1 || port > 65_535) return undefined;
  return { host, port };
}

/**
 * The condition, for logs and reports, without the words of a command.
 *
 * @param command how to call the command
 */
export function describeCondition(
  { exists, connects, succeeds }: Condition,
  command = 'its command succeeds',
): string {
  return [
    ...(exists.length > 0 ? [`${exists.join(' and ')} ${exists.length > 1 ? 'exist' : 'exists'}`] : []),
    ...(connects.length > 0
      ? [`${connects.join(' and ')} ${connects.length > 1 ? 'answer' : 'answers'}`]
      : []),
    ...(succeeds === undefined ? [] : [command]),
  ].join(', and ');
}

/**
 * Says what is waited for, from when on, and for how long.
 *
 * @param wait seconds after the end of the run before the first look
 * @param run pid of the run
 */
export function describePatience({ what, timeout, onTimeout }: Awaited, wait: number, run: number): string {
  const first = wait === 0 ? '' : ` (first look ${wait} s after that)`;
  const seconds = Math.round(timeout / SECOND_MS);
  const last =
    onTimeout === 'run' ? `at the latest after ${seconds} s` : `unless ${seconds} s pass before that`;
  return `when this run (pid ${run}) has ended and ${what}${first}, ${last}`;
}

/** The command of a condition as its own user may see it; undefined where there is none. */
export function describeCheck({ succeeds, sensitive }: Condition): string | undefined {
  if (succeeds === undefined) return undefined;
  if (sensitive) return 'its command (Sensitive) succeeds';
  const words = typeof succeeds === 'string' ? [succeeds] : succeeds.map(quoted);
  const line = words.join(' ').replace(/\s+/g, ' ');
  return `\`${line.length > LONGEST_SHOWN ? `${line.slice(0, LONGEST_SHOWN - 3)}...` : line}\` succeeds`;
}

const LONGEST_SHOWN = 200;

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The words of a condition. One look is enough for two conditions with the same words. */
export function wordsOf({ exists, connects, succeeds }: Condition): string {
  return JSON.stringify([exists, connects, succeeds]);
}

function isCommand(value: unknown): value is string | string[] | null | undefined {
  return value == null || isWord(value) || (isList(value, isArgument) && isWord(value[0]));
}

function isEndpoint(value: unknown): value is string {
  return typeof value === 'string' && parseEndpoint(value) !== undefined;
}

function isList<Item>(value: unknown, isItem: (item: unknown) => item is Item): value is Item[] {
  return Array.isArray(value) && value.every(isItem);
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && /^\/[^\0\n]*$/.test(value);
}

function isArgument(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0');
}

function isWord(value: unknown): value is string {
  return isArgument(value) && value !== '';
}

function isSeconds(value: unknown, least: number, most: number): value is number {
  return Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
}
