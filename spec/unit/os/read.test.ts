import { openSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isSameFile, readBytes } from '../../../src/os/read.ts';
import { temporaryFolder } from '../state/temporary.ts';

function fileOf(content: Buffer): string {
  const path = join(temporaryFolder(), 'file');
  writeFileSync(path, content);
  return path;
}

/** More than is read at once. */
const large = Buffer.alloc(100_000, 'äöü\0');

describe('reading a file', () => {
  test.each([
    ['nothing', Buffer.alloc(0)],
    ['bytes that are not UTF-8', Buffer.from([0, 0x80, 0xff, 0x0a])],
    ['more than is read at once', large],
  ])('%s', (_, content) => {
    expect(readBytes(fileOf(content))).toBe(content.toString('latin1'));
  });

  test('an open descriptor stays open', () => {
    const descriptor = openSync(fileOf(Buffer.from('ab')), 'r');
    expect(readBytes(descriptor)).toBe('ab');
    expect(readBytes(descriptor)).toBe('');
  });

  test('what the kernel makes up has no size, and is read all the same', () => {
    expect(readBytes('/proc/self/cmdline')).toContain('\0');
  });

  test('one that is not there is an error', () => {
    expect(() => readBytes('/nonexistent')).toThrow('ENOENT');
  });
});

describe('whether two paths lead to one file', () => {
  test('by another name, through a link, and not where one leads nowhere', () => {
    const [file, other] = [fileOf(Buffer.from('a')), fileOf(Buffer.from('a'))];
    symlinkSync(file, `${file}-link`);
    expect(isSameFile(file, `${file}-link`)).toBe(true);
    expect(isSameFile('/proc/self/root/', '/')).toBe(true);
    expect(isSameFile(file, other)).toBe(false);
    expect(isSameFile(file, `${file}-gone`)).toBe(false);
    expect(isSameFile(`${file}-gone`, `${file}-gone`)).toBe(false);
  });
});
