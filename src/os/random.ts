/**
 * Hexadecimal digits for names that should not meet. Where meeting would do harm, the file's O_EXCL decides, so no cryptography is loaded
 * for it: that would cost every notification some milliseconds.
 *
 * @param length up to 13
 */
export function randomHex(length: number): string {
  return Math.floor(Math.random() * 16 ** length)
    .toString(16)
    .padStart(length, '0');
}
