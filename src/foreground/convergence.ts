import { isAlive as isProcessAlive, type ProcessId } from '../os/process.ts';
import { SECOND_MS } from '../os/second.ts';
import type { Verdict } from '../os/verdict.ts';
import { type ChainRules, isOver, newEntry, nextLink } from '../schedule/chain.ts';
import {
  type Entry,
  withEntry,
  withLook,
  withLookWanted,
  withMet,
  withoutEntry,
  withRunEnded,
} from '../schedule/entry.ts';
import { hurried } from '../schedule/hurry.ts';
import { describeTimeout, displayName, isMeant } from '../schedule/names.ts';
import { awaitedNow, nextStep, notifyingRuns, partition, type Step } from '../schedule/plan.ts';
import type { Cancellation, Hurry, Notice } from '../state/channel-message.ts';
import { describePromise } from './promise.ts';

/** The bounds that keep `again run` from running for ever. */
export interface Bounds {
  /** Reruns after which it ends; undefined for the class's `limit`, or {@link DEFAULT_LIMIT} where that has none. */
  readonly limit: number | undefined;
  /** Seconds: a longer delta is not waited for, nor a condition for longer than that. */
  readonly maxWait: number;
}

/** Reruns, where neither the command line nor the class says how many. */
export const DEFAULT_LIMIT = 20;

/** All that is pending below one `again run`, and how far its chain has come. Decides; does nothing by itself. Times are milliseconds of the monotonic clock. */
export interface Convergence {
  readonly entries: readonly Entry[];
  /** The number of the present rerun, or of the last one; 0 for the first run. */
  readonly link: number;
  /** Whether the limit has refused a notification of the run that went last. */
  readonly limitReached: boolean;
  /** How many reruns there may be, and whether there have been so many. */
  readonly limit: number;
  readonly isExhausted: boolean;
  /** Lines about the entries that are not waited for, since the last call. */
  takeDropped(): readonly string[];
  /**
   * Takes a notification in, and says what its Exec is told.
   *
   * @param id names the words of its condition
   */
  take(notice: Notice, now: number, random: number, id?: string): Verdict;
  /** The entries whose conditions are looked at now. */
  awaited(now: number): readonly Entry[];
  /** Notes that these conditions hold. */
  meet(ids: readonly string[], at: number): void;
  /** Takes these out, whose conditions have not come to hold in time. */
  drop(entries: readonly Entry[]): void;
  /** Forgets what is pending under a name, or all of it. Returns how much that was. */
  cancel(cancellation: Cancellation): number;
  /** Makes what is pending under a name, or all of it, due at once. Returns how much that was. */
  hurry(hurry: Hurry, now: number): number;
  /** Notes which notifying runs have ended by now, and whether they did not come to their end. */
  noteEnds(
    now: number,
    isAlive?: (run: ProcessId) => boolean,
    isBrokenOff?: (run: ProcessId) => boolean,
  ): void;
  /** The command has ended, during which no condition is looked at: those that are still awaited are looked at again. */
  lookAgain(now: number): void;
  /** A look at these conditions has its answer; {@link meet} follows at once where that is yes. */
  looked(ids: readonly string[]): void;
  /** The next step, now that the command has ended. */
  next(now: number): Step;
  /** A rerun begins now: takes out what it satisfies. Returns its number. */
  begin(now: number): number;
}

/** @param command how people would type it */
export function createConvergence(command: string, pid: number, bounds: Bounds): Convergence {
  const { maxWait } = bounds;
  let limit = bounds.limit ?? DEFAULT_LIMIT;
  let entries: readonly Entry[] = [];
  let link = 0;
  let limitReached = false;
  let dropped: string[] = [];

  const rulesOf = (notice: Notice): ChainRules & { splay: number } => ({
    burst: notice.burst,
    // The back-off is not the manifest's wish: --max-wait is for deltas and conditions.
    maxDelay: notice.maxDelay,
    limit: bounds.limit ?? notice.limit ?? DEFAULT_LIMIT,
    splay: Math.min(notice.splay, maxWait),
  });

  return {
    get entries() {
      return entries;
    },
    get link() {
      return link;
    },
    get limitReached() {
      return limitReached;
    },
    get limit() {
      return limit;
    },
    get isExhausted() {
      return link >= limit;
    },
    takeDropped() {
      const told = dropped;
      dropped = [];
      return told;
    },
    take(notice, now, random, id) {
      const rules = rulesOf(notice);
      limit = rules.limit ?? limit;
      const asked = nextLink(
        link,
        entries.map((entry) => entry.link),
      );
      if (isOver(asked, rules)) {
        limitReached = true;
        const text = `again: the chain of reruns ends here: this would be rerun ${asked}, and limit is ${rules.limit}`;
        return { exitCode: 1, text };
      }
      const entry = newEntry(withinReach(notice, maxWait), notice.run, asked, rules, now, random, id);
      if (notice.delta > maxWait) {
        // What was pending under its name is replaced all the same.
        entries = withoutEntry(entries, entry);
        const why = `its delta of ${notice.delta} s is longer than the ${maxWait} s of --max-wait`;
        dropped.push(`${displayName(notice.name)} is not waited for: ${why}`);
        return { exitCode: 0, text: `Nothing scheduled: ${why} (again run, pid ${pid})` };
      }
      entries = withEntry(entries, entry);
      return { exitCode: 0, text: describePromise(command, pid, entry, rules.burst) };
    },
    awaited: (now) => awaitedNow(entries, now),
    meet(ids, at) {
      entries = withMet(entries, new Map(ids.map((id) => [id, at])));
    },
    drop(expired) {
      entries = entries.filter((entry) => !expired.includes(entry));
      dropped.push(...expired.map((entry) => `${displayName(entry.name)}: ${describeTimeout(entry)}`));
    },
    cancel({ cancel }) {
      const left = entries.filter((entry) => !isMeant(entry, cancel === 'all' ? undefined : cancel.name));
      const cancelled = entries.length - left.length;
      entries = left;
      return cancelled;
    },
    hurry({ now: which }, now) {
      const wanted = entries.filter((entry) => isMeant(entry, which === 'all' ? undefined : which.name));
      entries = entries.map((entry) => (wanted.includes(entry) ? hurried(entry, now) : entry));
      return wanted.length;
    },
    noteEnds(now, isAlive = isProcessAlive, isBrokenOff = () => false) {
      for (const run of notifyingRuns(entries))
        if (!isAlive(run)) entries = withRunEnded(entries, run, { at: now, brokenOff: isBrokenOff(run) });
    },
    lookAgain(now) {
      entries = withLookWanted(entries, now);
    },
    looked(ids) {
      entries = withLook(entries, ids);
    },
    next: (now) => nextStep(entries, now),
    begin(now) {
      const { due, later } = partition(entries, now);
      entries = later;
      link = Math.max(link + 1, ...due.map((entry) => entry.link));
      limitReached = false;
      return link;
    },
  };
}

/** A condition is waited for as long as `--max-wait` says, and no rerun is made only because that is over. */
function withinReach(notice: Notice, maxWait: number): Notice {
  const { condition } = notice;
  if (!condition || condition.timeout <= maxWait) return notice;
  return { ...notice, condition: { ...condition, timeout: Math.max(1, maxWait), onTimeout: 'drop' } };
}

/** Milliseconds of a wait that needs no word. */
const SHORT_MS = 500;

/** Seconds until the next rerun, rounded up, and what it is for; undefined where there is less than half a second left. */
export function countdown(
  { entries }: Pick<Convergence, 'entries'>,
  until: number,
  now: number,
): { readonly seconds: number; readonly names: readonly string[] } | undefined {
  const left = until - now;
  if (left < SHORT_MS) return undefined;
  const due = partition(entries, until).due;
  return { seconds: Math.ceil(left / SECOND_MS), names: due.map((entry) => displayName(entry.name)) };
}
