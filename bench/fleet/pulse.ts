import type { FleetAgent } from '../../spec/support/fleet/agent.ts';
import type { FleetServer } from '../../spec/support/fleet/server.ts';
import { until } from '../../spec/support/wait.ts';
import type { RunTimings } from '../simulation/fleet.ts';
import { median } from '../statistics.mjs';
import { parseAccessLog, type Request } from './access-log.ts';
import type { HostStory, RunSeen } from './story.ts';
import { watchHost } from './watch.ts';

/** Reruns that each run of the pulse leads to. */
export const LINKS = 3;

export const PULSE = `include common::again
$link = $facts['again'] ? { Hash => $facts['again']['chain'], default => 0 }
if $link < ${LINKS} { notify { 'pulse': notify => Exec['again'] } }
`;

/** All hosts at once have got a catalog that asks for reruns. Times are seconds since 1970. */
export interface Pulse {
  readonly hosts: readonly HostStory[];
  readonly requests: readonly Request[];
}

/** Has the daemons of some hosts run Puppet now, all at once, and waits for the reruns that this leads to. */
export async function runPulse(server: FleetServer, agents: readonly FleetAgent[]): Promise<Pulse> {
  await server.serve(PULSE, '');
  const before = requestsOf(server).length;
  const now = () => Date.now() / 1000;
  const began = now();
  const watches = agents.map((agent) => watchHost(agent, now));
  const start = ['systemctl', 'kill', '--kill-who=main', '--signal=USR1', 'puppet'];
  await Promise.all(agents.map(({ box }) => box.exec(start)));
  await until(
    'the reruns of the pulse',
    () => watches.every((watch) => watch.isIdle() && watch.runs().at(-1)?.link === LINKS),
    { seconds: 15 * 60 },
  );
  return { hosts: watches.map((watch) => watch.stop(began)), requests: requestsOf(server).slice(before) };
}

/** From the first run's begin to the last one's end. */
export function lengthOf({ hosts }: Pulse): number {
  const runs = hosts.flatMap((host) => host.runs);
  return Math.max(...runs.map(({ to }) => to)) - Math.min(...runs.map(({ from }) => from));
}

/** Seconds that requests waited for a JRuby instance: what the answer took beyond the time for which one was borrowed. */
export function waitsOf({ requests }: Pulse): number[] {
  return requests.filter(({ busy }) => busy > 0).map(({ began, ended, busy }) => ended - began - busy);
}

/** The timings of runs in general, by those of a host that was alone with its server; `cached` has been measured elsewhere. */
export function timingsOf({ hosts: [host], requests }: Pulse, cached: number): RunTimings {
  if (!host) throw new Error('a pulse of no host');
  // The first one is the daemon's, which needs no start of Ruby.
  const reruns = host.runs.slice(1);
  const middle = reruns.toSorted((a, b) => a.to - a.from - (b.to - b.from))[Math.floor(reruns.length / 2)];
  if (!middle) throw new Error('a pulse without reruns');
  const starts = reruns.map(({ from, startedAt = from }) => from - startedAt);
  return { start: median(starts), ...parts(middle, requests), cached };
}

function parts(run: RunSeen, all: readonly Request[]): Pick<RunTimings, 'requests' | 'rest'> {
  const mine = all.filter(({ began, ended }) => began >= run.from && ended <= run.to);
  let last = run.from;
  const requests = mine.map(({ began, ended }) => {
    const agent = Math.max(0, began - last);
    last = ended;
    return { agent, server: ended - began };
  });
  return { requests, rest: run.to - last };
}

function requestsOf({ box }: FleetServer): Request[] {
  return parseAccessLog(box.readFile('/var/log/puppetserver/puppetserver-access.log'));
}
