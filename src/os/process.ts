import { closeSync, openSync, readdirSync, readlinkSync, type Stats, unwatchFile, watchFile } from 'node:fs';
import { type Bytes, fromBuffer, splitAtNul } from './bytes.ts';
import { isShortage, readBytes, readText } from './read.ts';
import { hasEnded, parseStat, type Stat } from './stat.ts';
import { parseStatus, type Status } from './status.ts';

/** Names one process for ever, within one boot: a pid alone may be given to another process. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly start: number;
}

export function sameProcess(a: ProcessId, b: ProcessId): boolean {
  return a.pid === b.pid && a.start === b.start;
}

/** Everything that deciding about a process needs, read at one moment. */
export interface ProcessSnapshot {
  readonly id: ProcessId;
  readonly parent: number;
  readonly status: Status;
  /** The running image, as the kernel names it: ` (deleted)` is appended when the file has been replaced. Other users' can't be seen. */
  readonly image: Bytes | undefined;
  readonly argv: readonly Bytes[];
}

/** Reads a process, or undefined where it is gone (or not ours to see). Throws where there is nothing left to look with. */
export function readProcess(pid: number): ProcessSnapshot | undefined {
  try {
    const stat = statOf(`/proc/${pid}`);
    const status = parseStatus(readText(`/proc/${pid}/status`));
    if (!stat || !status) return undefined;
    return {
      id: { pid, start: stat.start },
      parent: stat.parent,
      status,
      image: readImage(pid),
      argv: splitAtNul(readBytes(`/proc/${pid}/cmdline`)),
    };
  } catch (error) {
    if (isShortage(error)) throw error;
    return undefined;
  }
}

function readImage(pid: number): Bytes | undefined {
  try {
    return fromBuffer(readlinkSync(`/proc/${pid}/exe`, { encoding: 'buffer' }));
  } catch {
    return undefined;
  }
}

/** The process and its ancestors, nearest first, each read when it is asked for, up to the first one that can't be read. */
export function* readAncestry(pid: number): Generator<ProcessSnapshot> {
  for (let next = pid; next > 0; ) {
    const snapshot = readProcess(next);
    if (!snapshot) return;
    yield snapshot;
    next = snapshot.parent;
  }
}

export function readStat(pid: number): Stat | undefined {
  try {
    return statOf(`/proc/${pid}`);
  } catch {
    return undefined;
  }
}

/** @param folder of the process, in /proc */
function statOf(folder: string): Stat | undefined {
  return parseStat(readText(`${folder}/stat`));
}

/** Whether a process lives. It does as long as there is nothing left to look with: an end must be seen. */
export function isAlive(id: ProcessId): boolean {
  return livesIn(`/proc/${id.pid}`, id);
}

/** @param folder of the process, in /proc */
function livesIn(folder: string, { start }: ProcessId): boolean {
  try {
    const stat = statOf(folder);
    return !hasEnded(stat) && stat?.start === start;
  } catch (error) {
    return isShortage(error);
  }
}

/** Whether a process still executes something. One that is ending has given its memory back, some milliseconds before it is a zombie; then this finds no image, as a look at all processes does. */
export function hasImage(pid: number): boolean {
  try {
    readlinkSync(`/proc/${pid}/exe`);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT'; // others' may not be seen
  }
}

/** The working directory of a process; undefined where it has ended, or is not ours to see. */
export function directoryOf(pid: number): Bytes | undefined {
  try {
    return fromBuffer(readlinkSync(`/proc/${pid}/cwd`, { encoding: 'buffer' }));
  } catch {
    return undefined;
  }
}

/** The name that the kernel has for a process, which everyone may read (proc_pid_comm(5)); '' where it has ended. */
export function commOf(pid: number): string {
  try {
    return readText(`/proc/${pid}/comm`).trimEnd();
  } catch {
    return '';
  }
}

export function self(): ProcessId {
  if (!me) {
    const start = readStat(process.pid)?.start;
    if (start === undefined) throw new Error('/proc is not mounted, so no process can be told from another');
    me = { pid: process.pid, start };
  }
  return me;
}

let me: ProcessId | undefined;

/** The pids of all processes that can be seen. */
export function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** A process and all that has come from it, the youngest last, but for what has left both its session, where it leads one, and its parent. */
export function withDescendants(pid: number): number[] {
  const all = new Map(allPids().map((one) => [one, readStat(one)]));
  const found = new Set([pid]);
  for (const [one, stat] of all) if (stat?.session === pid) found.add(one);
  for (const one of found) for (const [child, stat] of all) if (stat?.parent === one) found.add(child);
  return [...found];
}

/** One process that is watched. */
export interface Watched {
  ended(): boolean;
  /** Looks every so many milliseconds, until it gets another pause. */
  lookEvery(milliseconds: number): void;
  close(): void;
}

/**
 * Watches one process. Its folder in /proc stays open, and belongs to the process, not to the pid, so that a pid that is used again can't be
 * mistaken for it. libuv (uv_fs_poll_t) looks at the file that the process executes, which is no longer there once it is a zombie:
 * JavaScript that ran at each look would leave garbage, in memory that a waiter keeps. Throws where there is no descriptor left for it.
 *
 * @param ending called when that file is no longer there, which is some milliseconds before the process has ended; at once, too, where it may not
 *   be seen
 */
export function watchProcess(id: ProcessId, ending: () => void): Watched {
  let descriptor: number | undefined;
  const changed = ({ ino }: Stats) => {
    if (ino === 0) ending();
  };
  try {
    descriptor = openSync(`/proc/${id.pid}`, 'r');
  } catch (error) {
    if (isShortage(error)) throw error; // else it is gone
  }
  const folder = `/proc/self/fd/${descriptor}`;
  const image = `${folder}/exe`;
  return {
    ended: () => descriptor === undefined || !livesIn(folder, id),
    lookEvery(milliseconds) {
      unwatchFile(image, changed);
      if (descriptor !== undefined) watchFile(image, { interval: milliseconds }, changed);
    },
    close() {
      unwatchFile(image, changed);
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
    },
  };
}
