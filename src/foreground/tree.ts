import { monotonic } from '../os/clock.ts';
import { isAlive, type ProcessId, readStat, withDescendants } from '../os/process.ts';
import type { Stat } from '../os/stat.ts';
import { findPuppetProcesses } from '../puppet/processes.ts';

/**
 * The processes of a command at the moment of a signal that lead to its Puppets: a wrapper such as flock(1) ends by the signal, and leaves its Puppet to process 1. What Puppet
 * itself has started is Puppet's.
 */
export interface Tree {
  /** Those that still live. */
  left(): readonly number[];
  /** Gives a signal to the command, and from then on to each of these processes whose parent has ended: {@link Tree.handOn}. */
  pass(signal: NodeJS.Signals): void;
  /** Gives it to those. Returns whether a Puppet is left. */
  handOn(now?: number): boolean;
  /**
   * Gives a signal of the terminal to the command and to each of these processes that the terminal has not reached: a wrapper such as timeout(1) makes a process group of its
   * own. No key is meant for those in another session. Returns whether there were any.
   *
   * @param own this process: where it is not in the foreground of a terminal either, the signal came from elsewhere
   */
  reach(signal: NodeJS.Signals, own?: Pick<Stat, 'group' | 'session' | 'foreground'>): boolean;
}

interface Member {
  readonly id: ProcessId;
  readonly parent: number;
}

/** Milliseconds after the end of its parent. That may have handed the signal on, and Puppet ends within this time: a second signal would disturb it. */
const HAND_ON_MS = 1000;

/**
 * @param pid of the command
 * @param send gives a signal to a process
 * @param findPuppets pids of Puppet's runs
 */
export function treeOf(
  pid: number,
  send: (signal: NodeJS.Signals, pid: number) => void,
  findPuppets: () => readonly number[] = puppetRuns,
): Tree {
  const all = withDescendants(pid).flatMap((one): Member[] => {
    const stat = readStat(one);
    return stat ? [{ id: { pid: one, start: stat.start }, parent: stat.parent }] : [];
  });
  const puppets = new Set(findPuppets());
  const members = leadingTo(puppets, all);
  const told = new Set<number>();
  const orphanedSince = new Map<number, number>();
  let signal: NodeJS.Signals | undefined;
  const living = () => members.filter(({ id }) => isAlive(id));
  return {
    left: () => living().map(({ id }) => id.pid),
    pass(passed) {
      signal = passed;
      told.clear();
      if (all.some(({ id }) => id.pid === pid && isAlive(id))) send(passed, pid);
    },
    handOn(now = monotonic()) {
      const left = living();
      const pids = new Set(left.map(({ id }) => id.pid));
      for (const member of left) {
        const one = member.id.pid;
        if (one === pid || pids.has(member.parent)) continue;
        const since = orphanedSince.get(one) ?? now;
        orphanedSince.set(one, since);
        if (signal === undefined || told.has(one) || now - since < HAND_ON_MS) continue;
        told.add(one);
        send(signal, one);
      }
      return left.some(({ id }) => puppets.has(id.pid));
    },
    reach(key, own = readStat(process.pid)) {
      if (!own || own.group !== own.foreground) return false;
      const isUnreached = ({ id }: Member) => {
        const stat = isAlive(id) ? readStat(id.pid) : undefined;
        return stat?.session === own.session && stat.group !== own.group;
      };
      const path = all.filter((member) => member.id.pid === pid || members.includes(member));
      const unreached = path.filter(isUnreached);
      for (const { id } of unreached) send(key, id.pid);
      return unreached.length > 0;
    },
  };
}

/** Those processes, and the ones above them. */
function leadingTo(puppets: ReadonlySet<number>, all: readonly Member[]): Member[] {
  const found = new Set(all.filter(({ id }) => puppets.has(id.pid)));
  for (const { parent } of found) for (const one of all) if (one.id.pid === parent) found.add(one);
  return [...found];
}

function puppetRuns(): number[] {
  try {
    return findPuppetProcesses(process.getuid?.() ?? 0, []).map(({ id }) => id.pid);
  } catch {
    return []; // nothing is left to look with: the command itself gets the signal
  }
}
