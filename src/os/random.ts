/**
 * Hexadecimal digits for names that should not meet. Where meeting would do harm, the file's O_EXCL decides. `node:crypto` would cost a notification 5 ms, and a waiter
 * 1 MB, an eighth of its memory.
 *
 * @param length up to 13
 */
export function randomHex(length: number): string {
  return Math.floor(Math.random() * 16 ** length)
    .toString(16)
    .padStart(length, '0');
}
