import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isNewer, neededGlibc, OLDEST_GLIBC } from '../../scripts/glibc.mjs';
import { root } from '../../scripts/project.mjs';

describe('the glibc that the executables need', () => {
  test('is no newer than the oldest one that is promised: of the Node binary that they are built on', () => {
    const needed = neededGlibc(join(root, 'node_modules', `node-linux-${process.arch}`, 'bin/node'));
    expect(needed).toMatch(/^2\.\d+$/);
    expect(isNewer(needed ?? '', OLDEST_GLIBC), `${needed}`).toBe(false);
  });

  test('is read from the symbols: another program of this machine needs its own glibc', () => {
    expect(neededGlibc('/bin/sh')).toMatch(/^2\.\d+(\.\d+)?$/);
    expect(() => neededGlibc(join(root, 'README.md'))).toThrow('not a 64-bit little-endian ELF file');
  });

  test.each([
    ['2.28', '2.3', true],
    ['2.3.4', '2.28', false],
    ['2.28', '2.28', false],
    ['2.41', '2.28', true],
  ])('%s is newer than %s: %s', (one, other, expected) => {
    expect(isNewer(one, other)).toBe(expected);
  });

  test('is what people are told, in the first lines that they read', () => {
    const [top] = readFileSync(join(root, 'README.md'), 'utf8').split('```');
    expect(top).toContain(`glibc ${OLDEST_GLIBC} or later`);
    for (const file of ['README.md', 'files/again/deliver'])
      expect(readFileSync(join(root, file), 'utf8')).toContain(`glibc ${OLDEST_GLIBC} or later`);
  });
});
