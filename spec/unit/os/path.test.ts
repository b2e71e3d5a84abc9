import { posix } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { basename, dirname, join } from '../../../src/os/path.ts';

/** Paths of few characters, so that each edge comes often. */
const path = fc.string({ unit: fc.constantFrom('/', '/', '.', 'a', 'ä', ' '), maxLength: 8 });

test('join, dirname and basename do what those of node:path do', () => {
  fc.assert(
    fc.property(path, fc.array(path, { maxLength: 3 }), (one, more) => {
      expect(join(one, ...more)).toBe(posix.join(one, ...more));
      expect(dirname(one)).toBe(posix.dirname(one));
      expect(basename(one)).toBe(posix.basename(one));
    }),
    { numRuns: 2000 },
  );
});
