import { closeSync, linkSync, statSync, writeSync } from 'node:fs';
import { appendToFile, namesByAge, removeFile } from '../os/files.ts';
import { join } from '../os/path.ts';
import { randomHex } from '../os/random.ts';

/** How many logs of reruns are kept. */
const KEPT = 20;

/**
 * A new log's name; names sort by the time at which the rerun was asked for. Not by way of toISOString(), whose first use in a process takes
 * longer than the lock.
 */
export function newLogName(now: Date): string {
  const date = [now.getUTCFullYear(), now.getUTCMonth() + 1, now.getUTCDate()];
  const time = [now.getUTCHours(), now.getUTCMinutes(), now.getUTCSeconds()];
  return `${date.map(twoDigits).join('')}T${time.map(twoDigits).join('')}Z-${randomHex(6)}.log`;
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}

export function logPath(folder: string, name: string): string {
  return join(folder, 'logs', name);
}

/** Makes room for one more: the least recently written logs go, each with all its names. */
export function pruneLogs(folder: string): void {
  const kept = new Set<number>();
  for (const name of namesByAge(join(folder, 'logs')).reverse()) {
    const path = logPath(folder, name);
    const file = statSync(path, { throwIfNoEntry: false })?.ino;
    if (file === undefined) continue;
    if (kept.has(file) || kept.size < KEPT - 1) kept.add(file);
    else removeFile(path);
  }
}

/** Begins a log with one line of `again`'s own, and returns its descriptor. A failure leaves neither a file nor a descriptor. */
export function startLog(folder: string, name: string, line: string): number {
  const path = logPath(folder, name);
  const descriptor = appendToFile(path);
  try {
    writeSync(descriptor, `again: ${line}\n`);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    removeFile(path);
    throw error;
  }
}

/** Gives a log a second name. Where that can't be had, there is no file of that name. */
export function linkLog(folder: string, name: string, other: string): void {
  try {
    linkSync(logPath(folder, name), logPath(folder, other));
  } catch {
    // It is there already, or the disk is full.
  }
}
