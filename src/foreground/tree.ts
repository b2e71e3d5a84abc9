import { isAlive, type ProcessId, readStat, withDescendants } from '../os/process.ts';
import { findPuppetProcesses } from '../puppet/processes.ts';

/** The processes of a command at the moment of a signal. A wrapper such as flock(1) ends by that signal, and leaves its Puppet to process 1. */
export interface Tree {
  /** Those that still live. */
  readonly left: () => readonly number[];
  /** Gives a signal to the command, and from then on to each process whose parent has ended without it: {@link Tree.handOn}. Some wrappers hand it on by themselves. */
  pass(signal: NodeJS.Signals): void;
  /** Gives it to those. Returns whether a Puppet is left. */
  handOn(): boolean;
}

interface Member {
  readonly id: ProcessId;
  readonly parent: number;
}

/**
 * @param pid of the command
 * @param send gives a signal to a process that lives
 * @param findPuppets pids of Puppet's runs
 */
export function treeOf(
  pid: number,
  send: (signal: NodeJS.Signals, pid: number) => void,
  findPuppets: () => readonly number[] = puppetRuns,
): Tree {
  const members = withDescendants(pid).flatMap((one): Member[] => {
    const stat = readStat(one);
    return stat ? [{ id: { pid: one, start: stat.start }, parent: stat.parent }] : [];
  });
  const puppets = new Set(findPuppets());
  let signal: NodeJS.Signals | undefined;
  let told = new Set<Member>();
  const living = () => members.filter(({ id }) => isAlive(id));
  const handOn = () => {
    const left = living();
    const pids = new Set(left.map(({ id }) => id.pid));
    for (const member of left) {
      if (signal === undefined || told.has(member) || pids.has(member.parent)) continue;
      told.add(member);
      send(signal, member.id.pid);
    }
    return left.some(({ id }) => puppets.has(id.pid));
  };
  return {
    left: () => living().map(({ id }) => id.pid),
    pass(passed) {
      signal = passed;
      told = new Set();
      handOn();
    },
    handOn,
  };
}

function puppetRuns(): number[] {
  return findPuppetProcesses(process.getuid?.() ?? 0, []).map(({ id }) => id.pid);
}
