/** The prime of FNV, 2^40 + 0x1b3, less its highest bit. */
const PRIME = 0x1b3;

/**
 * 16 hexadecimal digits that stand for a text: FNV-1a of 64 bits (RFC 9923). Names files; whoever could forge one is root already. `node:crypto` would cost a
 * notification 5 ms, and a waiter 1 MB, an eighth of its memory. Two halves of 32 bits, since each step of a BigInt leaves garbage.
 */
export function fingerprint(text: string): string {
  let [high, low] = [0xcbf29ce4, 0x84222325];
  for (const byte of Buffer.from(text, 'utf8')) {
    const mixed = (low ^ byte) >>> 0;
    const product = mixed * PRIME;
    high = (high * PRIME + mixed * 2 ** 8 + Math.floor(product / 2 ** 32)) >>> 0;
    low = product >>> 0;
  }
  return [high, low].map((half) => half.toString(16).padStart(8, '0')).join('');
}
