import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Hold } from '../../../src/schedule/hold.ts';
import { HOLD_FILE, readHold, removeHold, writeHold } from '../../../src/state/hold.ts';
import { temporaryFolder } from './temporary.ts';

const HOLD: Hold = { version: 1, since: 1_000_000, until: 2_000_000, reason: 'ünlü "x"' };

describe('the hold of a state folder', () => {
  test('is there until its end, and a new one takes its place', () => {
    const folder = temporaryFolder();
    expect(readHold(folder)).toBeUndefined();
    writeHold(folder, HOLD);
    expect(readHold(folder, 1_999_999)).toEqual(HOLD);
    expect(readHold(folder, 2_000_000)).toBeUndefined();
    writeHold(folder, { ...HOLD, until: 3_000_000 });
    expect(readHold(folder, 2_000_000)).toEqual({ ...HOLD, until: 3_000_000 });
  });

  test('is removed, also where there is none', () => {
    const folder = temporaryFolder();
    writeHold(folder, HOLD);
    removeHold(folder);
    expect(existsSync(join(folder, HOLD_FILE))).toBe(false);
    expect(() => removeHold(folder)).not.toThrow();
  });

  test.each<[string, (path: string) => void]>([
    ['rubbish', (path) => writeFileSync(path, 'x')],
    ['a folder', (path) => mkdirSync(path)],
    ['a link', (path) => symlinkSync('/etc/passwd', path)],
  ])('%s is none', (_, make) => {
    const folder = temporaryFolder();
    make(join(folder, HOLD_FILE));
    expect(readHold(folder)).toBeUndefined();
  });
});
