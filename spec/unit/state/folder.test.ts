import { chmodSync, existsSync, lstatSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openStateFolder, refuseForeignWriters } from '../../../src/state/folder.ts';
import { refusalOf } from '../thrown.ts';
import { temporaryFolder } from './temporary.ts';

/** The folder of an executable, with its state folder in place. */
function installed(): { home: string; state: string } {
  const home = temporaryFolder();
  return { home, state: openStateFolder(home) };
}

describe('the state folder', () => {
  test('is made with all that lies in it, for its user alone, whatever the umask', () => {
    const former = process.umask(0);
    try {
      const { state } = installed();
      for (const name of ['', 'commands', 'logs']) {
        const stat = lstatSync(join(state, name));
        expect([stat.isDirectory(), stat.mode & 0o7777]).toEqual([true, 0o700]);
      }
    } finally {
      process.umask(former);
    }
  });

  test('is opened again as it is, and what is missing in it is made', () => {
    const { home, state } = installed();
    rmSync(join(state, 'logs'), { recursive: true });
    expect(openStateFolder(home)).toBe(state);
    expect(existsSync(join(state, 'logs'))).toBe(true);
  });

  test.each(['', 'commands', 'logs'])('is refused when state/%s is a link', (name) => {
    const { home, state } = installed();
    const path = join(state, name).replace(/\/$/, '');
    rmSync(path, { recursive: true });
    mkdirSync(join(home, 'elsewhere'), { mode: 0o700 });
    symlinkSync(join(home, 'elsewhere'), path);
    expect(refusalOf(() => openStateFolder(home))).toBe(`${path} is not a folder: remove it`);
  });

  test.each(['', 'commands', 'logs'])('is refused when state/%s is a file', (name) => {
    const { home, state } = installed();
    const path = join(state, name).replace(/\/$/, '');
    rmSync(path, { recursive: true });
    writeFileSync(path, '', { mode: 0o600 });
    expect(refusalOf(() => openStateFolder(home))).toBe(`${path} is not a folder: remove it`);
  });

  test.each([
    [0o755, '0755'],
    [0o750, '0750'],
    [0o701, '0701'],
    [0o720, '0720'],
    [0o1777, '1777'],
  ])('is refused when it is open to others: %o', (mode, shown) => {
    const { home, state } = installed();
    chmodSync(state, mode);
    expect(refusalOf(() => openStateFolder(home))).toBe(
      `${state} is open to other users (mode ${shown}): chmod 0700 it`,
    );
  });

  test('has its own folders closed again, which others could not reach', () => {
    const { home, state } = installed();
    for (const name of ['commands', 'logs', 'history']) chmodSync(join(state, name), 0o755);
    expect(openStateFolder(home)).toBe(state);
    for (const name of ['commands', 'logs', 'history'])
      expect(lstatSync(join(state, name)).mode & 0o777).toBe(0o700);
  });

  test('is refused in one sentence where it cannot be made', () => {
    const home = temporaryFolder();
    writeFileSync(join(home, 'file'), '');
    expect(refusalOf(() => openStateFolder(join(home, 'file')))).toContain(
      `the state folder ${join(home, 'file/state')} cannot be used: ENOTDIR`,
    );
  });
});

describe('who else could change a folder on the way to it', () => {
  test("nobody, in a folder of one's own below /tmp (sticky)", () => {
    const dir = temporaryFolder();
    mkdirSync(join(dir, 'a/b'), { recursive: true });
    expect(() => refuseForeignWriters(join(dir, 'a/b'))).not.toThrow();
    expect(() => refuseForeignWriters('/')).not.toThrow();
  });

  test('every user, by an ancestor with mode 0777', () => {
    const dir = temporaryFolder();
    mkdirSync(join(dir, 'open/b'), { recursive: true });
    chmodSync(join(dir, 'open'), 0o777);
    expect(refusalOf(() => refuseForeignWriters(join(dir, 'open/b')))).toBe(
      `${join(dir, 'open')} can be changed by every user (mode 0777): only root and the user of the run may change it`,
    );
  });

  test('a link on the way is not followed', () => {
    const dir = temporaryFolder();
    mkdirSync(join(dir, 'real/b'), { recursive: true });
    symlinkSync(join(dir, 'real'), join(dir, 'link'));
    expect(refusalOf(() => refuseForeignWriters(join(dir, 'link/b')))).toBe(
      `${join(dir, 'link')} is a link, and a link in this path is not followed`,
    );
  });

  test('a file that is not there is a refusal, too', () => {
    const missing = join(temporaryFolder(), 'missing');
    expect(() => refuseForeignWriters(missing)).toThrow(missing);
  });
});
