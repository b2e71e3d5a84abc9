import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { toBuffer } from './bytes.ts';
import { fault } from './fault.ts';
import { join } from './path.ts';
import { randomHex } from './random.ts';
import { readBytes } from './read.ts';

/** Opens a new file for writing; anything that is already there, also a link, is an error. Mode 0600. */
export function createFile(path: string): number {
  return openSync(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_APPEND,
    0o600,
  );
}

/** Opens a file for appending, making it where it is not there yet; a link is an error. Mode 0600. */
export function appendToFile(path: string): number {
  const { O_WRONLY, O_CREAT, O_NOFOLLOW, O_APPEND } = constants;
  return openSync(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_APPEND, 0o600);
}

/** A name that no other process uses, beside `path`. */
export function temporaryName(path: string): string {
  return `${path}-${randomHex(12)}.tmp`;
}

/** Writes a whole file in one step: a reader sees the old content or the new one, and a full disk leaves the old one. */
export function replaceFile(path: string, content: string): void {
  const temporary = temporaryName(path);
  try {
    const descriptor = createFile(temporary);
    try {
      for (let rest = Buffer.from(content); rest.length > 0; )
        rest = rest.subarray(writeSync(descriptor, rest));
    } finally {
      closeSync(descriptor);
    }
    fault('file.written');
    renameSync(temporary, path);
  } catch (error) {
    removeFile(temporary);
    throw error;
  }
}

/** Reads a small file without following a link; undefined where there is none. */
export function readOwnFile(path: string): string | undefined {
  // To open a missing file throws, which costs more than to ask.
  if (!existsSync(path)) return undefined;
  try {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return toBuffer(readBytes(descriptor)).toString('utf8');
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}

/** Removes a file; one that is already gone is fine. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is gone, or its folder is: in either case no process will read it.
  }
}

/** The names in a folder, the least recently written first; those of one moment by name. */
export function namesByAge(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const stat = statSync(join(folder, name), { throwIfNoEntry: false });
      return stat ? [{ name, written: stat.mtimeMs }] : [];
    })
    .sort((one, other) => one.written - other.written)
    .map(({ name }) => name);
}

/** Has a file be more recently written than another one, if it is not. */
export function touchAfter(path: string, other: string): void {
  try {
    const before = statSync(other).mtimeMs;
    const after = new Date(Math.floor(before) + 1);
    if (statSync(path).mtimeMs <= before) utimesSync(path, after, after);
  } catch {
    // One of them was removed just now.
  }
}
