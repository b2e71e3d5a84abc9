import type { ProcessId } from '../../src/os/process.ts';
import { type ChainRules, isOver, newEntry, nextLink, type Splay } from '../../src/schedule/chain.ts';
import { dueTime, type Entry, withRunEnded } from '../../src/schedule/entry.ts';
import { createClock } from './clock.ts';
import { createServer } from './server.ts';

/** How long the parts of a run take, in seconds, on hosts and a server that have nothing else to do. */
export interface RunTimings {
  /** From the due time to the run's begin: the start of Ruby and Puppet. */
  readonly start: number;
  /** How long the agent works before each request, and the server on that. */
  readonly requests: readonly { readonly agent: number; readonly server: number }[];
  /** How long the agent works after the last one. */
  readonly rest: number;
  /** A whole run without a server, with the catalog of an earlier one. */
  readonly cached: number;
}

export interface Fleet {
  readonly hosts: number;
  readonly timings: RunTimings;
  /** Of the server. */
  readonly instances: number;
  /**
   * The server's rule for the case that so many requests wait already (`max-queued-requests`): it answers 503, with a random `Retry-After` below `retryDelay` seconds
   * (`max-retry-delay`). The agent sleeps for that time, with its lock, and asks once more. Default: no limit, which is the server's own.
   */
  readonly limit?: { readonly queued: number; readonly retryDelay: number };
  /** That the server and all hosts share; Infinity where each has enough of its own. */
  readonly cores: number;
  readonly rules: ChainRules & Splay;
  /** When a host's first run begins, or has its catalog, which is all that it needs of the server. */
  readonly first: { readonly at: (host: number) => number; readonly hasCatalog: boolean };
  /** The delta that the catalog of a run of this link asks for, or undefined where it asks for no rerun. */
  readonly asks: (link: number, now: number) => number | undefined;
  /** When a host's ordinary runs begin, which ask for nothing. Default: none. */
  readonly ordinary?: { readonly interval: number; readonly phase: (host: number) => number };
  /** When the server does not answer. Default: never. */
  readonly away?: { readonly from: number; readonly to: number };
  /** Seconds to simulate. */
  readonly seconds: number;
  /** 0 to 1. */
  readonly random: () => number;
}

export interface Outcome {
  readonly runs: number;
  readonly reruns: number;
  readonly longestQueue: number;
  /** How often the server has answered 503. */
  readonly refusals: number;
  /** Seconds from a run's first request to its end. */
  readonly longestRun: number;
  /** Seconds that requests waited for the server. */
  readonly waits: readonly number[];
  /** When the last rerun ended. */
  readonly lastEnd: number;
  /** The server's queue, once in each `SAMPLE` seconds. */
  readonly queue: readonly number[];
  /** When runs began to ask the server. */
  readonly arrivals: readonly number[];
}

export const SAMPLE = 10;

/** Agents differ by this part of their time from one run to the next. */
const JITTER = 0.2;

/** Lets a fleet run. When reruns are due, and which link of a chain they are, is decided by the code of `again` itself. */
export function simulate(fleet: Fleet): Outcome {
  const clock = createClock(fleet.cores);
  const server = createServer(clock, fleet.instances, fleet.limit?.queued);
  const queue: number[] = [];
  const arrivals: number[] = [];
  let runs = 0;
  let reruns = 0;
  let lastEnd = 0;
  let longestRun = 0;
  const agentTime = (seconds: number) => seconds * (1 + JITTER * (2 * fleet.random() - 1));

  const ask = (seconds: number, answered: () => void) => {
    const again = () => ask(seconds, answered);
    server.request(seconds, answered, () => clock.at(clock.now() + retryAfter(fleet), again));
  };
  const run = (ended: () => void) => {
    runs += 1;
    clock.work(agentTime(fleet.timings.start), () => {
      if (isAway(fleet, clock.now())) return clock.work(agentTime(fleet.timings.cached), ended);
      const began = clock.now();
      arrivals.push(began);
      const endOfRun = () => {
        longestRun = Math.max(longestRun, clock.now() - began);
        ended();
      };
      const requests = fleet.timings.requests.values();
      const next = () => {
        const { value } = requests.next();
        if (!value) return clock.work(agentTime(fleet.timings.rest), endOfRun);
        clock.work(agentTime(value.agent), () => ask(value.server, next));
      };
      next();
    });
  };
  const ended = (host: number, link: number) => {
    if (link > 0) lastEnd = clock.now();
    const delta = fleet.asks(link, clock.now());
    const entry = delta === undefined ? undefined : notified(fleet, host, link, delta, clock.now());
    if (!entry) return;
    reruns += 1;
    clock.at((dueTime(entry) ?? 0) / 1000, () => run(() => ended(host, entry.link)));
  };
  const runFirst = (host: number) => {
    if (!fleet.first.hasCatalog) return run(() => ended(host, 0));
    runs += 1;
    clock.work(agentTime(fleet.timings.rest), () => ended(host, 0));
  };
  const runOrdinarily = (interval: number) => {
    run(() => {});
    clock.at(clock.now() + interval, () => runOrdinarily(interval));
  };

  for (let host = 0; host < fleet.hosts; host += 1) {
    clock.at(fleet.first.at(host), () => runFirst(host));
    const { ordinary } = fleet;
    if (ordinary) clock.at(ordinary.phase(host), () => runOrdinarily(ordinary.interval));
  }
  for (let at = 0; at <= fleet.seconds; at += SAMPLE) clock.at(at, () => queue.push(server.queue()));
  clock.pass(fleet.seconds);
  return {
    runs,
    reruns,
    longestQueue: server.longestQueue(),
    refusals: server.refusals(),
    longestRun,
    waits: server.waits,
    lastEnd,
    queue,
    arrivals,
  };
}

/** The pending entry after a run that has asked for a rerun and ended now; undefined where the chain is over. */
function notified(
  { rules, random }: Fleet,
  host: number,
  linkOfRun: number,
  delta: number,
  now: number,
): Entry | undefined {
  const link = nextLink(linkOfRun, []);
  if (isOver(link, rules)) return undefined;
  const process: ProcessId = { pid: host, start: 0 };
  const request = { name: undefined, delta, startTimerNow: false };
  const entry = newEntry(request, process, link, rules, now * 1000, random());
  return withRunEnded([entry], process, { at: now * 1000 })[0];
}

/** As Puppet Server computes it: whole seconds. An agent sleeps no longer than its `runinterval`, which is the default of `max-retry-delay`. */
function retryAfter({ limit, random }: Fleet): number {
  return Math.floor(random() * (limit?.retryDelay ?? 0));
}

function isAway({ away }: Fleet, now: number): boolean {
  return away !== undefined && now >= away.from && now < away.to;
}
