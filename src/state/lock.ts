import { closeSync, existsSync, linkSync, readdirSync, truncateSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { bootId, monotonic } from '../os/clock.ts';
import { fault } from '../os/fault.ts';
import { createFile, readOwnFile, removeFile, temporaryName } from '../os/files.ts';
import { basename, join } from '../os/path.ts';
import { placeTag } from '../os/place.ts';
import { isAlive, type ProcessId, sameProcess, self } from '../os/process.ts';
import { isShortage } from '../os/read.ts';
import { oneLine, Refusal } from '../os/refusal.ts';

/** Owners hold the lock for some milliseconds; one that does so for longer than this is stopped or broken. */
export const LOCK_PATIENCE_MS = 20_000;
const RETRY_MS = 3;
/** Each place has a lock of its own: it can't tell whether another one's process lives. Records of different places are different files. */
export const lockPrefix = () => `lock-${placeTag()}.`;
/** More than there can ever have been; a stray file with a larger number is not one of ours. */
const HIGHEST = 2 ** 48;

/** The locks that this process holds. One that names it and is none of these could not be released: on a disk that was read-only for a while, for example. */
const holding = new Set<string>();

/**
 * Runs `work` while no other process runs its own on the same state folder.
 *
 * Node offers no flock(2). The lock is the newest of the files `lock-PLACE.N`, each made by link(2), which has one winner; it holds its owner's
 * name and is free when it is empty or its owner is dead. The next owner makes N+1 and looks again that nothing newer came
 * meanwhile. A stale lock is never removed, only outnumbered, so two processes can't remove each other's by mistake; older
 * files are removed, the newest never is.
 *
 * @param patience milliseconds for which another process may keep it
 * @throws {Refusal} when a living process keeps it for longer
 */
export async function withLock<Result>(
  folder: string,
  work: () => Result | Promise<Result>,
  patience = LOCK_PATIENCE_MS,
): Promise<Result> {
  const lock = await acquire(folder, patience);
  try {
    return await work();
  } finally {
    release(lock);
  }
}

/**
 * The same for work that records something. A failure of the disk is reported with the place and what to do.
 *
 * @throws {Refusal} in any case
 */
export async function recordIn<Result>(folder: string, work: () => Result): Promise<Result> {
  try {
    return await withLock(folder, work);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(
      `nothing can be recorded in ${folder} (${oneLine(error)}): make room there, or make it writable`,
    );
  }
}

/**
 * Makes sure that this process has the lock of a folder.
 *
 * @throws {Refusal} where the folder was removed, and the lock with it: another process may have it by now, and all that was read here before is of no use
 */
export function requireLock(folder: string): void {
  const locks = [...holding].filter((path) => path === join(folder, basename(path)));
  if (locks.length === 0) throw new Error(`${folder} was to be changed without its lock`);
  if (!locks.every(isOwn)) throw new Refusal(`${folder} was removed while it was used`);
}

async function acquire(folder: string, patience: number): Promise<string> {
  const deadline = monotonic() + patience;
  const mine = temporaryName(join(folder, 'lock'));
  const descriptor = createFile(mine);
  try {
    writeSync(descriptor, JSON.stringify({ ...self(), boot: bootId() }));
    for (;;) {
      const newest = newestLock(folder);
      if (newest === 0 || isFree(join(folder, lockPrefix() + newest))) {
        const won = join(folder, lockPrefix() + (newest + 1));
        if (!tryLink(mine, won)) continue;
        if (isNewest(folder, won, newest + 1)) return won;
        removeFile(won);
        continue;
      }
      if (monotonic() > deadline) {
        const lock = join(folder, lockPrefix() + newest);
        const owner = ownerOf(lock);
        throw new Refusal(
          `${lock} has been held for ${patience / 1000} s by ${owner ? `pid ${owner.pid}` : 'a process'}, which seems stuck: end that process and try again`,
        );
      }
      await sleep(RETRY_MS);
    }
  } finally {
    closeSync(descriptor);
    removeFile(mine);
  }
}

/** Whether a lock that this process has just made is the newest one; then the older ones go, and it is held. */
function isNewest(folder: string, made: string, number: number): boolean {
  try {
    fault('lock.linked');
    const numbers = lockNumbers(folder);
    if (Math.max(...numbers) !== number) return false;
    for (const older of numbers) if (older < number) removeFile(join(folder, lockPrefix() + older));
    holding.add(made);
    return true;
  } catch (error) {
    // It names this process, which lives and does not hold it: all others would wait for it.
    release(made);
    throw error;
  }
}

function release(held: string): void {
  holding.delete(held);
  try {
    fault('lock.releasing');
    // Needs no room on the disk, unlike writing a word. Where the folder was removed, another process may have a lock of this name by now.
    if (isOwn(held)) truncateSync(held, 0);
  } catch {
    // A disk that is read-only for a while: this process still does not hold it.
  }
}

function newestLock(folder: string): number {
  return Math.max(0, ...lockNumbers(folder));
}

function lockNumbers(folder: string): number[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith(lockPrefix()))
    .map((name) => Number(name.slice(lockPrefix().length)))
    .filter((number) => Number.isSafeInteger(number) && number < HIGHEST);
}

function isFree(path: string): boolean {
  try {
    const content = readOwnFile(path);
    if (content === undefined) return !existsSync(path);
    const owner = JSON.parse(content);
    if (isSelf(owner)) return !holding.has(path);
    return owner.boot !== bootId() || !isAlive(owner);
  } catch (error) {
    return !isShortage(error);
  }
}

/** The process that has made a lock; undefined where it is empty, gone or rubbish. */
function ownerOf(path: string): (ProcessId & { boot: string }) | undefined {
  try {
    return JSON.parse(readOwnFile(path) ?? '');
  } catch {
    return undefined;
  }
}

function isOwn(path: string): boolean {
  const owner = ownerOf(path);
  return owner !== undefined && isSelf(owner);
}

function isSelf(owner: ProcessId & { boot: string }): boolean {
  return owner.boot === bootId() && sameProcess(owner, self());
}

function tryLink(existing: string, path: string): boolean {
  try {
    linkSync(existing, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
