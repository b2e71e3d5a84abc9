import { chmodSync, chownSync, copyFileSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { fromText } from '../../src/os/bytes.ts';
import { currentExecutable } from '../../src/repeat/executable.ts';
import { openStateFolder, refuseForeignWriters } from '../../src/state/folder.ts';
import { temporaryFolder } from '../unit/state/temporary.ts';
import { refusalOf } from '../unit/thrown.ts';

// Only root can give files to other users.
beforeAll(() => {
  if (process.getuid?.() !== 0) throw new Error('these tests need root: they give files to other users');
});

const STRANGER = 12345;

describe('what somebody else owns', () => {
  test('a state folder of another user is refused', () => {
    const home = temporaryFolder();
    const state = openStateFolder(home);
    chownSync(state, STRANGER, 0);
    expect(refusalOf(() => openStateFolder(home))).toBe(
      `${state} belongs to user ${STRANGER}, not to user 0: remove it`,
    );
  });

  test('an ancestor of another user is refused', () => {
    const dir = temporaryFolder();
    mkdirSync(join(dir, 'his/b'), { recursive: true });
    chownSync(join(dir, 'his'), STRANGER, 0);
    expect(refusalOf(() => refuseForeignWriters(join(dir, 'his/b')))).toBe(
      `${join(dir, 'his')} can be changed by user ${STRANGER} (mode 0755): only root and the user of the run may change it`,
    );
  });

  test('an ancestor that the members of a group can write is refused', () => {
    const dir = temporaryFolder();
    mkdirSync(join(dir, 'shared/b'), { recursive: true });
    chownSync(join(dir, 'shared'), 0, STRANGER);
    expect(() => refuseForeignWriters(join(dir, 'shared/b'))).not.toThrow();
    chmodSync(join(dir, 'shared'), 0o775);
    expect(refusalOf(() => refuseForeignWriters(join(dir, 'shared/b')))).toBe(
      `${join(dir, 'shared')} can be changed by group ${STRANGER} (mode 0775): only root and the user of the run may change it`,
    );
  });

  test("an interpreter that was replaced by another user's is not run", () => {
    const dir = temporaryFolder();
    const file = join(dir, 'ruby3.1');
    copyFileSync('/bin/true', join(dir, 'new'));
    chownSync(join(dir, 'new'), STRANGER, 0);
    renameSync(join(dir, 'new'), file);
    expect(refusalOf(() => currentExecutable(fromText(file), fromText(file), { device: 0, inode: 0 }))).toBe(
      `${file} can be changed by user ${STRANGER} (mode 0755): only root and the user of the run may change it`,
    );
  });
});
