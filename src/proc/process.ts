import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { type Bytes, fromBuffer, splitAtNul } from '../bytes.ts';
import { readBytes, readText } from '../read.ts';
import { hasEnded, isEndState, parseStat, type Stat, stateIn } from './stat.ts';
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

/** Reads a process, or undefined where it is gone (or not ours to see). */
export function readProcess(pid: number): ProcessSnapshot | undefined {
  try {
    const stat = readStat(pid);
    const status = parseStatus(readText(`/proc/${pid}/status`));
    if (!stat || !status) return undefined;
    return {
      id: { pid, start: stat.start },
      parent: stat.parent,
      status,
      image: readImage(pid),
      argv: splitAtNul(readBytes(`/proc/${pid}/cmdline`)),
    };
  } catch {
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
    return parseStat(readText(`/proc/${pid}/stat`));
  } catch {
    return undefined;
  }
}

export function isAlive(id: ProcessId): boolean {
  const stat = readStat(id.pid);
  return !hasEnded(stat) && stat?.start === id.start;
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

/**
 * Watches one process cheaply: its `stat` stays open, and the open file belongs to the process, not to the pid, so
 * a pid that is used again can't be mistaken for it (reading answers ESRCH once the process is gone). A look leaves no garbage.
 */
export function watchProcess(id: ProcessId): { ended(): boolean; close(): void } {
  let descriptor: number | undefined;
  const buffer = Buffer.alloc(1024);
  const close = () => {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  };
  try {
    descriptor = openSync(`/proc/${id.pid}/stat`, 'r');
    const length = readSync(descriptor, buffer, 0, buffer.length, 0);
    if (parseStat(buffer.toString('latin1', 0, length))?.start !== id.start) close();
  } catch {
    close(); // gone
  }
  return {
    ended() {
      if (descriptor === undefined) return true;
      try {
        const length = readSync(descriptor, buffer, 0, buffer.length, 0);
        if (!isEndState(stateIn(buffer, length))) return false;
      } catch {
        // ESRCH: gone
      }
      close();
      return true;
    },
    close,
  };
}
