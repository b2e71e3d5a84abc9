import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { type Bytes, fromBuffer } from './bytes.ts';

/** Shared by all reads: most files are smaller, and a new buffer for each would be most of what a waiter's memory holds. */
const room = Buffer.allocUnsafeSlow(16 * 1024);

/** All bytes of a small file, of `/proc` above all, by its path or from an open descriptor, which stays open. */
export function readBytes(file: string | number): Bytes {
  const descriptor = typeof file === 'number' ? file : openSync(file, 'r');
  try {
    let bytes = '';
    for (let length = -1; length !== 0; ) {
      length = readSync(descriptor, room, 0, room.length, null);
      bytes += fromBuffer(room.subarray(0, length));
    }
    return bytes as Bytes;
  } finally {
    if (descriptor !== file) closeSync(descriptor);
  }
}

/**
 * A small file of ASCII, in one step instead of four. Bytes that are not UTF-8, as in the name of a process, are not kept: the part that is
 * needed of such a file must be ASCII.
 */
export function readText(path: string): string {
  return readFileSync(path, 'utf8');
}

/** Whether a look has failed because no descriptor or no memory was left: that says nothing about the file. */
export function isShortage(error: unknown): boolean {
  return ['EMFILE', 'ENFILE', 'ENOMEM'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** Whether two paths lead to one file or folder; not where either leads nowhere. */
export function isSameFile(path: string, other: string): boolean {
  const [a, b] = [path, other].map((one) => statSync(one, { throwIfNoEntry: false }));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}
