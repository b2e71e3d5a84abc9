import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fieldsAfterName, isCopy } from './stat.ts';

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  /** Clock ticks between boot and start: with the pid, it names one process for good. */
  readonly startTime: number;
  readonly state: string;
  /** Whether it is a copy of its parent, forked a moment ago. */
  readonly isCopy: boolean;
  readonly comm: string;
  readonly argv: readonly string[];
  readonly exe: string;
  readonly environ: string;
}

/**
 * All processes that are not kernel threads.
 *
 * @param proc  where /proc of their machine is, seen from here
 */
export function readProcesses(proc: string): Process[] {
  return readdirSync(proc)
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return readProcess(join(proc, pid));
      } catch {
        return []; // ended while we looked
      }
    });
}

function readProcess(folder: string): Process | [] {
  const stat = readFileSync(join(folder, 'stat'), 'latin1');
  const fields = fieldsAfterName(stat);
  const state = fields[0] ?? '';
  const dead = state === 'Z' || state === 'X';
  const exe = dead ? '' : link(join(folder, 'exe'));
  if (!dead && exe === undefined) return []; // a kernel thread
  return {
    pid: Number.parseInt(stat, 10),
    parent: Number(fields[1]),
    session: Number(fields[3]),
    startTime: Number(fields[19]),
    state,
    isCopy: isCopy(fields),
    comm: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
    argv: dead ? [] : splitNul(readFileSync(join(folder, 'cmdline'), 'latin1')),
    exe: exe ?? '',
    environ: dead ? '' : readFileSync(join(folder, 'environ'), 'latin1'),
  };
}

function splitNul(text: string): string[] {
  return text === '' ? [] : text.replace(/\0$/, '').split('\0');
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
