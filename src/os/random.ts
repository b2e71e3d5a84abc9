import { fingerprint } from './fingerprint.ts';

/**
 * Hexadecimal digits for names that should differ. Where equal names would do harm, the file's O_EXCL decides. `node:crypto` would cost a notification 5 ms, and a waiter
 * 1 MB, an eighth of its memory.
 *
 * @param length up to 13
 */
export function randomHex(length: number): string {
  return Math.floor(Math.random() * 16 ** length)
    .toString(16)
    .padStart(length, '0');
}

/** A number from 0 to 1 that is always the same for the same words, and as good as random for others. */
export function drawnFor(...words: readonly (string | number)[]): number {
  return Number.parseInt(fingerprint(words.join(' ')).slice(0, 8), 16) / 0xffffffff;
}
