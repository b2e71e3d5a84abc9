/** The story of a fleet in one pass. All times are seconds since the first host was started. */
export interface Pass {
  readonly name: string;
  readonly hosts: readonly HostStory[];
  /** When the server did not answer. */
  readonly serverAway: readonly Span[];
  /** When the last host was done. */
  readonly convergedAt: number;
  readonly cpu: ServerCpu;
  /** How much of Puppet Server's was that of its restart, in seconds. */
  readonly restart: number;
  /** The looks of hosts at PuppetDB between their runs. */
  readonly looks?: { readonly count: number; readonly cpu: number };
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** CPU time of the server's services, in seconds. */
export interface ServerCpu {
  readonly puppetserver: number;
  readonly puppetdb: number;
  readonly postgresql: number;
}

export interface HostStory {
  readonly host: string;
  readonly startedAt: number;
  readonly runs: readonly RunSeen[];
  readonly waits: readonly WaitSeen[];
  /** When it was not up. */
  readonly down: readonly Span[];
  /** The states of the cluster that it came to, and when. */
  readonly states: readonly { readonly state: string; readonly at: number }[];
}

export interface RunSeen extends Span {
  /** 0 for a run that `again` did not start. */
  readonly link: number;
  /** When its process became Puppet, of a rerun; `from` is when it took the lock. */
  readonly startedAt: number | undefined;
  /** Whether it had to do with the catalog of an earlier run. */
  readonly cached: boolean;
}

/** A rerun that is pending. */
export interface WaitSeen extends Span {
  readonly link: number;
}

/** All CPU time that convergence took of the server's services and of the looks, in seconds. */
export function totalCpu({ cpu, looks }: Pass): number {
  return cpu.puppetserver + cpu.puppetdb + cpu.postgresql + (looks?.cpu ?? 0);
}

export function totalRuns({ hosts }: Pass): number {
  return hosts.reduce((sum, { runs }) => sum + runs.length, 0);
}
