import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { contains, readBytes } from '../../src/read.ts';
import { temporaryFolder } from './state/temporary.ts';

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

describe('comparing a file', () => {
  test.each([
    ['the same', 'abc', 'abc', true],
    ['shorter', 'ab', 'abc', false],
    ['longer', 'abcd', 'abc', false],
    ['another', 'abx', 'abc', false],
    ['both empty', '', '', true],
  ])('%s', (_, content, wanted, expected) => {
    expect(contains(fileOf(Buffer.from(content)), Buffer.from(wanted))).toBe(expected);
  });

  test('more than is read at once', () => {
    expect(contains(fileOf(large), large)).toBe(true);
    expect(contains(fileOf(Buffer.concat([large, Buffer.from('x')])), large)).toBe(false);
  });
});
