// The room schedule/ decides on plain data: what is asked for, when it is due, what to do next, and how a chain slows down.

import type { ProcessId } from '../os/process.ts';
import { SECOND_MS } from '../os/second.ts';
import { type Awaited, type Condition, describeCondition } from './condition.ts';
import { type Entry, isDue } from './entry.ts';
import type { Request } from './request.ts';

/** The place of a rerun in its chain, as it is told to the rerun. */
export interface ChainLink {
  /** Names the chain. */
  readonly chain: string;
  /** 1 for the first rerun of a chain. */
  readonly link: number;
}

/** The limits of reruns that cause reruns; class parameters of `common::again`. */
export interface ChainRules {
  /** Links that run at their due time. */
  readonly burst: number;
  /** Longest wait that the back-off asks for, in seconds. */
  readonly maxDelay: number;
  /** Links after which a chain ends; undefined for no end. */
  readonly limit: number | undefined;
}

/** Seconds that the first link after the burst waits; each further one waits twice as long. */
const FIRST_BACK_OFF = 30;

/**
 * The link that a notification asks for.
 *
 * @param linkOfRun the link that the notifying run is; 0 for a run that `again` did not start
 * @param pending the links of what is pending for the same agent or command: their chain is not over, so an ordinary run in
 *   between does not start a new one
 */
export function nextLink(linkOfRun: number, pending: readonly number[]): number {
  return Math.max(linkOfRun + 1, ...pending);
}

/** The link whose place a run takes that began at this time: the newest of what was due by then, since the run does what that rerun was to do. 0 for none. */
export function linkInPlace(pending: readonly Entry[], began: number): number {
  return Math.max(0, ...pending.filter((entry) => isDue(entry, began)).map((entry) => entry.link));
}

/** Seconds that link `link` waits, at least, after its run's end (or its notification, for `start_timer_now`). */
export function waitOf(link: number, delta: number, rules: ChainRules): number {
  return Math.max(delta, backOff(link, rules));
}

/** Seconds between two reruns of a chain from this link on: 0 in the burst, then 30 and twice as many each time, up to `maxDelay`. */
export function backOff(link: number, rules: Pick<ChainRules, 'burst' | 'maxDelay'>): number {
  return link <= rules.burst ? 0 : Math.min(rules.maxDelay, FIRST_BACK_OFF * 2 ** (link - rules.burst - 1));
}

/** Longest random extra wait, in seconds. */
export interface Splay {
  readonly splay: number;
}

/**
 * The entry that a notification adds to the pending ones.
 *
 * @param notifiedAt milliseconds of the monotonic clock
 * @param random 0 to 1: the part of the splay that it waits. That of a condition passes after the event that all nodes may see at the same moment
 * @param id names the words of its condition
 */
export function newEntry(
  request: Request,
  run: ProcessId,
  link: number,
  rules: ChainRules & Splay,
  notifiedAt: number,
  random: number,
  id = '',
): Entry {
  const { condition } = request;
  const splay = Math.round(random * rules.splay * SECOND_MS);
  return {
    ...(request.name === undefined ? {} : { name: request.name }),
    delta: request.delta,
    startTimerNow: request.startTimerNow,
    wait: waitOf(link, request.delta, rules) * SECOND_MS + (condition ? 0 : splay),
    link,
    notifiedAt,
    run,
    ...(condition && { condition: awaited(condition, id, splay) }),
  };
}

/** A condition as a record has it. */
function awaited(condition: Condition, id: string, splay: number): Awaited {
  return {
    id,
    what: describeCondition(condition),
    interval: condition.interval * SECOND_MS,
    timeout: condition.timeout * SECOND_MS,
    onTimeout: condition.onTimeout,
    splay,
  };
}

export function isOver(link: number, rules: ChainRules): boolean {
  return rules.limit !== undefined && link > rules.limit;
}
