import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundleSources } from '../../../scripts/bundle.mjs';
import { root } from '../../../scripts/project.mjs';

// The output of the build: the bundle of the project `bundle` is one of all, in which there can be no copies.
describe('the parts of the executable', () => {
  let parts: Record<string, string>;
  let holds: Record<string, readonly string[]>;
  beforeAll(async () => {
    ({ parts, holds } = await bundleSources('1.2.3'));
  }, 60_000);

  /** The parts that have a file for themselves. */
  const holdersOf = (file: string) => Object.keys(holds).filter((part) => holds[part]?.includes(file));

  test('what `main` has, no other part has for itself, but for what the build fills in', () => {
    const copies = (holds.main ?? []).filter((file) => file.startsWith('src/') && holdersOf(file).length > 1);
    const filledIn = ['src/os/fault.ts', 'src/os/second.ts', 'src/os/version.ts'];
    expect(copies.filter((file) => !filledIn.includes(file))).toEqual([]);
    expect(holdersOf('src/os/refusal.ts')).toEqual(['main']);
  });

  test('errors keep their class across parts: a file that makes one is in one part', () => {
    const files = [...new Set(Object.values(holds).flat())].filter((file) => file.startsWith('src/'));
    const makers = files.filter((file) =>
      /\bclass \w+ extends /.test(readFileSync(join(root, file), 'utf8')),
    );
    expect(makers).toContain('src/os/refusal.ts');
    for (const file of makers) expect(holdersOf(file), file).toHaveLength(1);
  });

  test('each part asks `main` for the class that it refuses with', () => {
    for (const part of ['waiter', 'people', 'foreground'])
      expect(parts[part], part).toContain('part:main:src/os/refusal.ts');
  });
});
