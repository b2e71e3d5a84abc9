/** The result of a schedule of runs. */
export interface Converged {
  readonly seconds: number;
  readonly runs: number;
}

/** More runs than any schedule needs that ends. */
const ENOUGH = 1000;

/**
 * How the cluster of `examples/cluster` converges when each host runs Puppet at its start and then at an interval, and no run takes any time.
 *
 * @param offsets  seconds at which each host starts
 * @param interval  seconds between two runs of a host
 */
export function byInterval(offsets: readonly number[], interval: number): Converged {
  const hosts = offsets.map((at) => ({ next: at, known: new Map<number, boolean>() }));
  /** The export of each host: whether it has seen the quorum. */
  const exported = new Map<number, boolean>();
  const configured = new Set<number>();
  for (let runs = 1; runs <= ENOUGH; runs += 1) {
    const host = hosts.toSorted((a, b) => a.next - b.next)[0];
    if (!host) break;
    const me = hosts.indexOf(host);
    const others = [...host.known.values()];
    const isQuorum = others.length + 1 > hosts.length / 2;
    if (others.length + 1 === hosts.length && others.every(Boolean)) configured.add(me);
    exported.set(me, isQuorum);
    host.known = new Map([...exported].filter(([other]) => other !== me));
    if (configured.size === hosts.length) return { seconds: host.next, runs };
    host.next += interval;
  }
  throw new Error(`the cluster has not converged in ${ENOUGH} runs`);
}
