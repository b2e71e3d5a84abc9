import { describe, expect, test } from 'vitest';
import { fingerprint } from '../../../src/os/fingerprint.ts';

/** FNV-1a of 64 bits as it is written down, in whole numbers of any size. */
function definition(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, '0');
}

describe('a fingerprint', () => {
  test.each([
    ['', 'cbf29ce484222325'],
    ['a', 'af63dc4c8601ec8c'],
    ['foobar', '85944171f73967e8'],
  ])('of %j is that of the test vectors of FNV', (text, expected) => {
    expect(fingerprint(text)).toBe(expected);
  });

  test.each(Array.from({ length: 200 }, (_, seed) => `${'äz\u0000€'.repeat(seed % 7)}${seed * 7919}`))(
    'of %j is what the definition says',
    (text) => {
      expect(fingerprint(text)).toBe(definition(text));
    },
  );
});
