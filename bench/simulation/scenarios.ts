import type { ChainRules, Splay } from '../../src/schedule/chain.ts';
import { createClock } from './clock.ts';
import { type Fleet, type Outcome, type RunTimings, simulate } from './fleet.ts';
import { repeatable } from './random.ts';

/** The class parameters' defaults. */
export const DEFAULTS: ChainRules & Splay = { burst: 10, maxDelay: 1800, limit: undefined, splay: 0 };

/** Puppet's own interval, in seconds. */
export const INTERVAL = 1800;

/** How long an agent waits for an answer (`http_read_timeout`), in seconds. */
export const PATIENCE = 600;

const SEED = 20_261_122;

/** Seconds for which one run keeps a JRuby instance busy. */
export function serverTime({ requests }: RunTimings): number {
  return requests.reduce((sum, { server }) => sum + server, 0);
}

/** JRuby instances that the ordinary runs of so many hosts keep busy for this part of the time. */
export function instancesFor(hosts: number, timings: RunTimings, share: number): number {
  return Math.max(1, Math.ceil(busyInstances(hosts, timings) / share));
}

/** How many instances the ordinary runs of so many hosts keep busy. */
function busyInstances(hosts: number, timings: RunTimings): number {
  return (hosts / INTERVAL) * serverTime(timings);
}

/** How busy these keep so many instances: `45 %`. */
export function busyShare(hosts: number, timings: RunTimings, instances: number): string {
  return `${Math.round((busyInstances(hosts, timings) / instances) * 100)} %`;
}

/** When the hosts of {@link sameMinute} get their catalogs. */
export const PULSE_AT = 600;

/** All hosts get a catalog that asks for a rerun in the same minute, while their ordinary runs go on. */
export function sameMinute(
  hosts: number,
  timings: RunTimings,
  instances: number,
  splay: number,
  limit?: Fleet['limit'],
): Outcome {
  const random = repeatable(SEED);
  return simulate({
    hosts,
    timings,
    instances,
    ...(limit && { limit }),
    cores: Number.POSITIVE_INFINITY,
    rules: { ...DEFAULTS, splay },
    first: { at: () => PULSE_AT + random() * 60, hasCatalog: true },
    asks: (link) => (link === 0 ? 0 : undefined),
    ordinary: { interval: INTERVAL, phase: () => random() * INTERVAL },
    seconds: PULSE_AT + 2 * INTERVAL,
    random,
  });
}

/** The pulse of the measured fleet: all hosts run at once, and each run leads to the next one, so many times. */
export function pulse(hosts: number, timings: RunTimings, links: number, cores: number): Outcome {
  return simulate({
    hosts,
    timings,
    instances: 1,
    cores,
    rules: DEFAULTS,
    first: { at: () => 0, hasCatalog: false },
    asks: (link) => (link < links ? 0 : undefined),
    seconds: 24 * 3600,
    random: repeatable(SEED),
  });
}

/** When the server of {@link serverAway} does not answer. */
export const AWAY = { from: 300, to: 900 } as const;

/** Hosts that wait for each other and ask for another rerun `delta` seconds later in every run, while the server is away for some minutes. */
export function serverAway(
  hosts: number,
  timings: RunTimings,
  instances: number,
  rules: Fleet['rules'],
  delta: number,
): Outcome {
  const random = repeatable(SEED);
  return simulate({
    hosts,
    timings,
    instances,
    cores: Number.POSITIVE_INFINITY,
    rules,
    // They were started over some minutes, the last ones when the server was already away.
    first: { at: () => random() * AWAY.from, hasCatalog: true },
    asks: () => delta,
    away: AWAY,
    seconds: AWAY.to + INTERVAL,
    random,
  });
}

/**
 * Where looks are worse than runs, one in each period: the interval, in seconds, below which they take more CPU time of the servers, whatever the number of hosts; and the number of
 * hosts from which on they take more than there is.
 *
 * @param work seconds of CPU time of the servers that a look takes
 * @param run seconds of CPU time of the servers that a run takes
 * @param interval of the looks whose hosts are counted
 * @param period seconds from one of these runs to the next
 */
export function limitsOfLooks(
  work: number,
  run: number,
  interval: number,
  cores: number,
  period = 60,
): { readonly interval: number; readonly hosts: number } {
  return { interval: (period * work) / run, hosts: Math.floor((cores * interval) / work) + 1 };
}

/** Seconds for which {@link looks} are simulated. */
const LOOKING = 120;

/**
 * Hosts that look at PuppetDB at an interval, each beginning at a time of its own: how long each answer takes, in seconds, or has taken by the end.
 *
 * @param work seconds of CPU time that an answer takes
 * @param cores that all answers share
 */
export function looks(hosts: number, interval: number, work: number, cores: number): number[] {
  const random = repeatable(SEED);
  const clock = createClock(cores);
  const answers: number[] = [];
  const open = new Set<{ readonly asked: number }>();
  const look = () => {
    const asked = clock.now();
    const one = { asked };
    open.add(one);
    clock.work(work, () => {
      open.delete(one);
      answers.push(clock.now() - asked);
      clock.at(asked + interval, look); // after the answer: a host has one look at a time
    });
  };
  for (let host = 0; host < hosts; host += 1) clock.at(random() * interval, look);
  const end = LOOKING + interval;
  clock.pass(end);
  return [...answers, ...[...open].map(({ asked }) => end - asked)];
}
