import { readFileSync } from 'node:fs';
import type { FleetServer } from '../../spec/support/fleet/server.ts';
import type { ServerCpu } from './story.ts';

const UNITS = {
  puppetserver: 'puppetserver.service',
  puppetdb: 'puppetdb.service',
  postgresql: 'system-postgresql.slice',
} as const;

/** Counts the CPU time of a server's services from now on, over their restarts: those begin at zero again. */
export function countCpu({ box }: FleetServer): { read(): ServerCpu; stop(): ServerCpu } {
  const slice = `/proc/${box.supervisor}/root/sys/fs/cgroup/again-spec-${box.supervisor}/payload/system.slice`;
  const counters = Object.entries(UNITS).map(([name, unit]) => ({
    name,
    path: `${slice}/${unit}/cpu.stat`,
    last: usage(`${slice}/${unit}/cpu.stat`) ?? 0,
    sum: 0,
  }));
  const look = () => {
    for (const counter of counters) {
      const now = usage(counter.path);
      if (now === undefined) continue;
      counter.sum += now < counter.last ? now : now - counter.last;
      counter.last = now;
    }
  };
  const timer = setInterval(look, 500);
  const read = () => {
    look();
    return Object.fromEntries(counters.map(({ name, sum }) => [name, sum])) as unknown as ServerCpu;
  };
  return {
    read,
    stop() {
      clearInterval(timer);
      return read();
    },
  };
}

function usage(path: string): number | undefined {
  try {
    return Number(/^usage_usec (\d+)/m.exec(readFileSync(path, 'utf8'))?.[1]) / 1e6;
  } catch {
    return undefined; // stopped
  }
}
