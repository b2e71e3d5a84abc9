import { describe, expect, test } from 'vitest';
import { isNewer, neededGlibc, OLDEST_GLIBC } from '../../scripts/glibc.mjs';
import { architectures, executableOf } from '../../scripts/project.mjs';

describe.each(architectures)('the executable for %s, as it was built', (arch) => {
  test('needs no newer glibc than the oldest one that is promised', () => {
    const needed = neededGlibc(executableOf(arch));
    expect(needed).toMatch(/^2\.\d+$/);
    expect(isNewer(needed ?? '', OLDEST_GLIBC), `${needed}`).toBe(false);
  });
});
