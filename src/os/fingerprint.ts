/** The prime of FNV is 2^40 + 0x1b3. */
const PRIME = 0x1b3;

/**
 * 16 hexadecimal digits that stand for a text: FNV-1a of 64 bits (RFC 9923). Names files; only the owner of their folder could forge one. `node:crypto` would cost a
 * notification 5 ms, and a waiter 1 MB, an eighth of its memory. Four quarters of 16 bits, whose products fit into 31: a larger number is garbage at each step.
 */
export function fingerprint(text: string): string {
  const bytes = Buffer.from(text, 'utf8');
  let a = 0x2325;
  let b = 0x8422;
  let c = 0x9ce4;
  let d = 0xcbf2;
  for (let at = 0; at < bytes.length; at += 1) {
    const low = a ^ (bytes[at] as number);
    const next = b;
    a = low * PRIME;
    b = next * PRIME + (a >>> 16);
    c = c * PRIME + (b >>> 16) + ((low << 8) & 0xffff);
    d = (d * PRIME + (c >>> 16) + ((next << 8) & 0xffff) + (low >>> 8)) & 0xffff;
    a &= 0xffff;
    b &= 0xffff;
    c &= 0xffff;
  }
  return [d, c, b, a].map((quarter) => quarter.toString(16).padStart(4, '0')).join('');
}
