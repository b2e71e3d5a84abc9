import type { ProcessId } from '../os/process.ts';
import { conditionOf } from '../schedule/condition.ts';
import { isName, LONGEST_DELTA, type Request } from '../schedule/request.ts';

/** The message of a notification to the `again run` that it is below: one line of JSON. The answer is a verdict (os/verdict.ts). */
export interface Notice extends Request {
  /** The notifying run. */
  readonly run: ProcessId;
  /** The class parameters of these names; see again.json in docs/DESIGN.md. */
  readonly burst: number;
  readonly maxDelay: number;
  readonly limit: number | undefined;
  readonly splay: number;
  /** Undefined from a helper that does not tell it. */
  readonly puppet?: RunFiles | undefined;
}

/** Where the run's Puppet shows that it was broken off, and that its agent is disabled. */
export interface RunFiles {
  readonly isAgent: boolean;
  readonly lockFile: string;
  readonly disabledFile: string;
  readonly reportFile: string;
  /** Which report was there before the end of the run. */
  readonly reportMark: string;
}

export function formatNotice(notice: Notice): string {
  return `${JSON.stringify(notice)}\n`;
}

/** Reads a notice; undefined for anything else. */
export function parseNotice(line: string): Notice | undefined {
  let value: Partial<Notice>;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const { name, delta, startTimerNow, condition, run, burst, maxDelay, limit, splay, puppet } = value ?? {};
  const numbers = [delta, run?.pid, run?.start, burst, maxDelay, splay];
  const valid =
    (name === undefined || (typeof name === 'string' && isName(name))) &&
    typeof startTimerNow === 'boolean' &&
    numbers.every((number) => Number.isSafeInteger(number) && Number(number) >= 0) &&
    Number(delta) <= LONGEST_DELTA &&
    (condition === undefined || conditionOf(condition) !== undefined) &&
    (limit === undefined || (Number.isSafeInteger(limit) && limit > 0)) &&
    (puppet === undefined || areRunFiles(puppet));
  return valid ? (value as Notice) : undefined;
}

function areRunFiles({ isAgent, lockFile, disabledFile, reportFile, reportMark }: RunFiles): boolean {
  const texts = [lockFile, disabledFile, reportFile, reportMark];
  return typeof isAgent === 'boolean' && texts.every((text) => typeof text === 'string');
}

/** The request of `again cancel`: to cancel all that is pending, or the entries of one name. */
export interface Cancellation {
  readonly cancel: 'all' | { readonly name: string };
}

export function formatCancellation(cancellation: Cancellation): string {
  return `${JSON.stringify(cancellation)}\n`;
}

/** Reads a cancellation; undefined for anything else. */
export function parseCancellation(line: string): Cancellation | undefined {
  const cancel = subjectOf(line, 'cancel');
  return cancel && { cancel };
}

/** The request of `again now`: to make all that is pending, or the entries of one name, due at once. */
export interface Hurry {
  readonly now: 'all' | { readonly name: string };
}

export function formatHurry(hurry: Hurry): string {
  return `${JSON.stringify(hurry)}\n`;
}

/** Reads such a wish; undefined for anything else. */
export function parseHurry(line: string): Hurry | undefined {
  const now = subjectOf(line, 'now');
  return now && { now };
}

/** The subject that a line of JSON has under a key: everything, or one name. */
function subjectOf(line: string, key: string): 'all' | { readonly name: string } | undefined {
  try {
    const subject = JSON.parse(line)?.[key];
    if (subject === 'all') return subject;
    return typeof subject?.name === 'string' ? { name: subject.name } : undefined;
  } catch {
    return undefined;
  }
}
