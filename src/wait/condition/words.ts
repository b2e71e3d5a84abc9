import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeSync,
} from 'node:fs';
import { createFile, removeFile, temporaryName } from '../../os/files.ts';
import { isInMemory, memoryPlaces } from '../../os/memory.ts';
import { join } from '../../os/path.ts';
import type { ProcessId } from '../../os/process.ts';
import { oneLine, Refusal } from '../../os/refusal.ts';
import { type Condition, conditionOf } from '../../schedule/condition.ts';
import type { Entry } from '../../schedule/entry.ts';

// The words of conditions, in a file without a name in memory that their waiter holds open. Other processes of its user find it in /proc: docs/DESIGN.md, Conditions.

/** The descriptor as which a successor inherits the file of its predecessor. */
export const INHERITED_WORDS = 5;

const PREFIX = 'again-when';
/** Whether /proc names such a file so (proc_pid_fd(5)). */
const isWordsLink = (link: string) => /\/again-when-[0-9a-f]{12}\.tmp \(deleted\)$/.test(link);

let own: number | undefined;

/** The file of this process; undefined where it has none. */
export function ownWords(): number | undefined {
  return own;
}

/** Takes the file that a successor has inherited for its own, if there is one. */
export function adoptWords(descriptor = INHERITED_WORDS): void {
  try {
    if (isWordsLink(readlinkSync(`/proc/self/fd/${descriptor}`))) own = descriptor;
  } catch {
    // It has inherited none.
  }
}

/**
 * Keeps these words, and no others.
 *
 * @throws {Refusal} where there is no memory for them
 */
export function keepWords(words: ReadonlyMap<string, Condition>, places = memoryPlaces()): void {
  const failures: string[] = [];
  for (const place of places) {
    try {
      if (!isInMemory(place)) continue;
      const name = temporaryName(join(place, PREFIX));
      const created = createFile(name);
      let descriptor: number;
      try {
        descriptor = openSync(name, constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW);
      } finally {
        closeSync(created);
        removeFile(name);
      }
      try {
        for (const [id, condition] of words) append(descriptor, id, condition);
      } catch (error) {
        closeSync(descriptor);
        throw error;
      }
      if (own !== undefined) closeSync(own);
      own = descriptor;
      return;
    } catch (error) {
      failures.push(oneLine(error));
    }
  }
  const why = failures.length > 0 ? ` (${failures.join('; ')})` : '';
  throw new Refusal(
    `there is no memory for the words of its condition in ${places.join(', ')}${why}: make room there, or mount a tmpfs on /dev/shm`,
  );
}

/** All words of this process. */
export function readOwnWords(): Map<string, Condition> {
  return own === undefined ? new Map() : readWords(`/proc/self/fd/${own}`);
}

/** All words that a waiter keeps; none where they can't be read. */
export function readWordsOf(waiter: ProcessId): Map<string, Condition> {
  const path = findWords(waiter);
  return path === undefined ? new Map() : readWords(path);
}

/** Whether a waiter has a place for words. */
export function takesWords(waiter: ProcessId): boolean {
  return findWords(waiter) !== undefined;
}

/**
 * Adds words to those of another waiter. Under the lock of the state folder.
 *
 * @throws {Refusal} where it has no place for them
 */
export function giveWords(waiter: ProcessId, words: ReadonlyMap<string, Condition>): void {
  if (words.size === 0) return;
  const path = findWords(waiter);
  let descriptor: number | undefined;
  try {
    if (path === undefined) throw new Error('it has no place for them');
    descriptor = openSync(path, constants.O_WRONLY | constants.O_APPEND);
    for (const [id, condition] of words) append(descriptor, id, condition);
  } catch (error) {
    throw new Refusal(
      `the words of its condition cannot be given to the waiter, pid ${waiter.pid} (${oneLine(error)}): make room in /dev/shm`,
    );
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Those of some words that these entries still wait for. */
export function neededBy(
  entries: readonly Entry[],
  words: ReadonlyMap<string, Condition>,
): Map<string, Condition> {
  const needed = new Map<string, Condition>();
  for (const { condition } of entries) {
    const found = condition && condition.metAt === undefined ? words.get(condition.id) : undefined;
    if (condition && found) needed.set(condition.id, found);
  }
  return needed;
}

/** All or nothing: a disk of memory that fills up must not leave half of a line, to which the next one would be added. */
function append(descriptor: number, id: string, condition: Condition): void {
  const before = fstatSync(descriptor).size;
  try {
    for (let rest = Buffer.from(`${JSON.stringify({ id, condition })}\n`); rest.length > 0; )
      rest = rest.subarray(writeSync(descriptor, rest));
  } catch (error) {
    ftruncateSync(descriptor, before);
    throw error;
  }
}

/** Opens the file again, for a position of its own. A line that is none of ours is left out. */
function readWords(path: string): Map<string, Condition> {
  const words = new Map<string, Condition>();
  try {
    for (const line of readFileSync(path, 'utf8').split('\n').slice(0, -1)) {
      const { id, condition } = JSON.parse(line);
      const parsed = conditionOf(condition);
      if (typeof id === 'string' && parsed) words.set(id, parsed);
    }
  } catch {
    // Its process has just ended.
  }
  return words;
}

/** Where the file of a living process of this user is to be opened. */
function findWords({ pid }: ProcessId): string | undefined {
  const folder = `/proc/${pid}/fd`;
  try {
    for (const descriptor of readdirSync(folder)) {
      const path = `${folder}/${descriptor}`;
      if (isLink(path) && isPrivate(pid, path)) return path;
    }
  } catch {
    // It has ended, or is another user's.
  }
  return undefined;
}

function isLink(path: string): boolean {
  try {
    return isWordsLink(readlinkSync(path));
  } catch {
    return false; // closed just now
  }
}

/** Whether process and file are this user's, and no other user can have written the file, which has no name. */
function isPrivate(pid: number, path: string): boolean {
  const user = process.getuid?.();
  const file = statSync(path);
  return (
    statSync(`/proc/${pid}`).uid === user &&
    file.isFile() &&
    file.uid === user &&
    file.nlink === 0 &&
    (file.mode & 0o077) === 0
  );
}
