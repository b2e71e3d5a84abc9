import {
  closeSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createFile, readOwnFile, removeFile, replaceFile, temporaryName } from '../../../src/os/files.ts';
import { temporaryFolder } from '../state/temporary.ts';

describe('a new file', () => {
  test('is for its user alone, whatever the umask', () => {
    const path = join(temporaryFolder(), 'new');
    const former = process.umask(0);
    try {
      closeSync(createFile(path));
    } finally {
      process.umask(former);
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('is not made where something is already, not even a dangling link', () => {
    const dir = temporaryFolder();
    writeFileSync(join(dir, 'file'), 'old');
    symlinkSync(join(dir, 'target'), join(dir, 'link'));
    for (const name of ['file', 'link']) expect(() => createFile(join(dir, name))).toThrow('EEXIST');
    expect(readFileSync(join(dir, 'file'), 'utf8')).toBe('old');
    expect(existsSync(join(dir, 'target'))).toBe(false);
  });
});

describe('replacing a file', () => {
  test('leaves the new content and nothing else', () => {
    const dir = temporaryFolder();
    const content = 'ü'.repeat(300_000);
    replaceFile(join(dir, 'x'), 'old');
    replaceFile(join(dir, 'x'), content);
    expect(readFileSync(join(dir, 'x'), 'utf8')).toBe(content);
    expect(readdirSync(dir)).toEqual(['x']);
  });

  test('replaces a link, not what it points to', () => {
    const dir = temporaryFolder();
    writeFileSync(join(dir, 'target'), 'old');
    symlinkSync(join(dir, 'target'), join(dir, 'x'));
    replaceFile(join(dir, 'x'), 'new');
    expect(readFileSync(join(dir, 'target'), 'utf8')).toBe('old');
    expect(readFileSync(join(dir, 'x'), 'utf8')).toBe('new');
  });

  test('that fails leaves no temporary file', () => {
    const dir = temporaryFolder();
    mkdirSync(join(dir, 'x/y'), { recursive: true });
    expect(() => replaceFile(join(dir, 'x'), 'new')).toThrow();
    expect(readdirSync(dir)).toEqual(['x']);
  });

  test('uses a name of its own each time', () => {
    expect(new Set(Array.from({ length: 100 }, () => temporaryName('x'))).size).toBe(100);
  });
});

describe('reading', () => {
  test("what is no plain file of one's own is nothing: missing, a link, a folder", () => {
    const dir = temporaryFolder();
    writeFileSync(join(dir, 'file'), 'x');
    symlinkSync(join(dir, 'file'), join(dir, 'link'));
    expect(readOwnFile(join(dir, 'file'))).toBe('x');
    expect(['missing', 'link', '.'].map((name) => readOwnFile(join(dir, name)))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

test('removing what is gone is fine', () => {
  expect(() => removeFile(join(temporaryFolder(), 'missing'))).not.toThrow();
});
