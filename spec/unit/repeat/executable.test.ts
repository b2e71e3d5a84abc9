import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fromText } from '../../../src/os/bytes.ts';
import { currentExecutable, imageOf } from '../../../src/repeat/executable.ts';
import { temporaryFolder } from '../state/temporary.ts';
import { refusalOf } from '../thrown.ts';

/** A folder with an executable `ruby3.1`, and the link `ruby` by which runs are started. */
function installed() {
  const dir = temporaryFolder();
  const [file, link] = [join(dir, 'ruby3.1'), join(dir, 'ruby')];
  writeFileSync(file, 'old', { mode: 0o755 });
  symlinkSync('ruby3.1', link);
  const { dev: device, ino: inode } = statSync(file);
  const current = () => currentExecutable(fromText(file), fromText(link), { device, inode });
  const replace = (path: string, mode = 0o755) => {
    writeFileSync(join(dir, 'new'), 'new', { mode });
    renameSync(join(dir, 'new'), path);
  };
  return { dir, file, link, current, replace };
}

test('the file that a process executes', () => {
  const { dev: device, ino: inode } = statSync(process.execPath);
  expect(imageOf(process.pid)).toEqual({ device, inode });
});

describe('the interpreter to execute', () => {
  test("is the run's own", () => {
    const { file, current } = installed();
    expect(current()).toBe(file);
  });

  test('is the new one at the same path after an upgrade', () => {
    const { file, current, replace } = installed();
    replace(file);
    expect(current()).toBe(file);
  });

  test('is what the link points to, where the path is gone (a new version)', () => {
    const { dir, file, link, current } = installed();
    copyFileSync(file, join(dir, 'ruby3.3'));
    rmSync(file);
    rmSync(link);
    symlinkSync('ruby3.3', link);
    expect(current()).toBe(link);
  });

  test('is refused where all of it is gone', () => {
    const { file, link, current } = installed();
    rmSync(file);
    rmSync(link);
    expect(refusalOf(current)).toBe(`Puppet's interpreter ${file} is gone`);
  });

  test('is refused where the new one is in a folder that every user can change', () => {
    const { dir, file, current, replace } = installed();
    replace(file);
    chmodSync(dir, 0o777);
    expect(refusalOf(current)).toBe(
      `${dir} can be changed by every user (mode 0777): only root and the user of the run may change it`,
    );
  });

  test('is no error without a name for it: what cannot be executed is', () => {
    const { file, current, replace } = installed();
    replace(file, 0o644);
    expect(current).toThrow('EACCES');
  });

  test('is no folder, and nothing relative', () => {
    const { dir, file } = installed();
    mkdirSync(join(dir, 'folder'));
    const original = { device: 0, inode: 0 };
    expect(currentExecutable(fromText(join(dir, 'folder')), fromText(file), original)).toBe(file);
    expect(() => currentExecutable(fromText('ruby'), fromText('ruby'), original)).toThrow('is gone');
  });

  test('is named as people write it', () => {
    const gone = fromText('/opt/prüfung/ruby');
    expect(refusalOf(() => currentExecutable(gone, gone, { device: 0, inode: 0 }))).toBe(
      "Puppet's interpreter /opt/prüfung/ruby is gone",
    );
  });
});
