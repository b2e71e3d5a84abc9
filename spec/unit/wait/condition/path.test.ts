import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { leadsToServed, lookAtPath, nearestFolder } from '../../../../src/wait/condition/path.ts';
import { watchPath } from '../../../../src/wait/condition/path-watch.ts';
import { temporaryFolder } from '../../state/temporary.ts';

const look = (path: string) => lookAtPath(path, { signal: new AbortController().signal });

describe('a path', () => {
  test('is there or not, of whatever kind it is', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    symlinkSync('file', join(folder, 'link'));
    symlinkSync('nothing', join(folder, 'dangling'));
    for (const path of [folder, `${folder}/`, join(folder, 'file'), join(folder, 'link'), '/dev/null'])
      expect(await look(path), path).toEqual({ holds: true });
    for (const path of [
      join(folder, 'no'),
      join(folder, 'no/no'),
      join(folder, 'file/no'),
      join(folder, 'dangling'),
    ])
      expect(await look(path), path).toEqual({ holds: false, because: `${path} is not there` });
  });

  test('that leads in a circle is not there, and why is told', async () => {
    const path = join(temporaryFolder(), 'circle');
    symlinkSync(path, path);
    expect(await look(path)).toEqual({ holds: false, because: `${path} cannot be looked at (ELOOP)` });
  });
});

describe('a file system that something else serves', () => {
  const mounts = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /mnt/my\\040share rw - nfs4 server:/x rw
31 30 0:41 / /mnt/my\\040share/local rw master:3 - xfs /dev/sdb rw
32 22 0:42 / /data rw - xfs /dev/sdc rw
33 32 0:43 / /data rw - fuse.glusterfs x rw
34 22 0:44 / /auto rw - autofs systemd-1 rw
`;
  test.each([
    ['/etc/x', false],
    ['/mnt/my share', true],
    ['/mnt/my share/x', true],
    ['/mnt/my shared/x', false],
    ['/mnt/my share/local/x', true], // the way there is asked of the share
    ['/data/brick', true],
    ['/auto/x', true],
    ['/', false],
  ])('%s: %s', (path, served) => {
    expect(leadsToServed(path, mounts)).toBe(served);
  });

  test('is found behind links, relative ones, and links to folders', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'a/b'), { recursive: true });
    symlinkSync('/mnt/my share', join(folder, 'share'));
    symlinkSync('share/deep', join(folder, 'a/plain'));
    symlinkSync('../../share', join(folder, 'a/b/up'));
    symlinkSync('a/b', join(folder, 'short'));
    symlinkSync('circle', join(folder, 'circle'));
    const behind = ['share', 'share/x', 'a/b/up/x', 'short/up', './a//b/../b/up/.'];
    const beside = ['a/plain', 'short', 'a/b/up/../x', 'circle', 'circle/x', 'no/share', 'share/local/x'];
    const served = (path: string) => leadsToServed(`${folder}/${path}`, mounts);
    expect(behind.filter((path) => !served(path))).toEqual([]);
    expect(beside.filter(served)).toEqual(['a/b/up/../x', 'share/local/x']);
  });

  test('what cannot be told is none', () => {
    expect(leadsToServed('/x', '')).toBe(false);
    expect(leadsToServed('/x', 'rubbish\n- - -\n')).toBe(false);
  });
});

describe('the nearest folder', () => {
  test('is the one above, as far as it is there', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'a'));
    writeFileSync(join(folder, 'file'), '');
    expect(nearestFolder(join(folder, 'a'))).toBe('there');
    expect(nearestFolder(join(folder, 'x'))).toMatchObject({ folder, name: 'x' });
    expect(nearestFolder(`${folder}//a//b/c/`)).toMatchObject({ folder: join(folder, 'a'), name: 'b' });
    expect(nearestFolder(join(folder, 'file/b'))).toMatchObject({ folder, name: 'file' });
    expect(nearestFolder(`${folder}/file/`)).toMatchObject({ folder, name: 'file' });
    expect(nearestFolder('/nonexistent/x')).toMatchObject({ folder: '/', name: 'nonexistent' });
  });
});

describe('a watch', () => {
  /** A watch that refreshes itself at each look, as a waiter does, and notes when it looked. */
  function watchOf(path: string): { readonly looks: number[] } {
    const looks: number[] = [];
    const watch = watchPath(() => {
      looks.push(Date.now());
      watch.refresh(path);
    });
    watch.refresh(path);
    onTestFinished(() => watch.close());
    return { looks };
  }
  const within = { timeout: 5000, interval: 2 };

  /** For how many milliseconds JavaScript has not got to run, at most, since this was called: a busy machine's share of a delay. */
  function longestStall(): () => number {
    const STEP = 2;
    let [last, longest] = [Date.now(), 0];
    const timer = setInterval(() => {
      longest = Math.max(longest, Date.now() - last - STEP);
      last = Date.now();
    }, STEP);
    onTestFinished(() => clearInterval(timer));
    return () => Math.max(longest, Date.now() - last - STEP);
  }

  test('tells when the path comes, within 200 ms', async () => {
    const path = join(temporaryFolder(), 'x');
    const { looks } = watchOf(path);
    const stall = longestStall();
    const began = Date.now();
    writeFileSync(path, '');
    await expect.poll(() => looks.length, within).toBeGreaterThan(0);
    expect((looks[0] ?? 0) - began).toBeLessThan(200 + stall());
  });

  test('follows the way to it: folders that are made one after the other', async () => {
    const folder = temporaryFolder();
    const { looks } = watchOf(join(folder, 'a/b/c'));
    for (const name of ['a', 'a/b', 'a/b/c']) {
      const before = looks.length;
      mkdirSync(join(folder, name));
      await expect.poll(() => looks.length, within).toBeGreaterThan(before);
      // The look may come before the next watch has begun: that one looks again by itself.
    }
    await expect.poll(() => nearestFolder(join(folder, 'a/b/c'))).toBe('there');
  });

  test('sees a folder that is renamed to its place with the path in it', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'new'));
    writeFileSync(join(folder, 'new/x'), '');
    const { looks } = watchOf(join(folder, 'a/x'));
    renameSync(join(folder, 'new'), join(folder, 'a'));
    await expect.poll(() => looks.length, within).toBeGreaterThan(0);
    expect(nearestFolder(join(folder, 'a/x'))).toBe('there');
  });

  test('is told that its folder has gone, and goes on above it', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'a'));
    const { looks } = watchOf(join(folder, 'a/x'));
    rmSync(join(folder, 'a'), { recursive: true });
    await expect.poll(() => looks.length, within).toBeGreaterThan(0);
    const before = looks.length;
    mkdirSync(join(folder, 'a'));
    await expect.poll(() => looks.length, within).toBeGreaterThan(before);
  });

  test('other names cause no look, a few of them', async () => {
    const folder = temporaryFolder();
    const { looks } = watchOf(join(folder, 'x'));
    for (let n = 0; n < 3; n += 1) writeFileSync(join(folder, `other${n}`), '');
    writeFileSync(join(folder, 'x'), '');
    await expect.poll(() => looks.length, within).toBeGreaterThan(0);
    expect(looks).toHaveLength(1);
  });

  test('a busy folder costs a look in 100 ms at most, and the path is seen all the same', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'x');
    const { looks } = watchOf(path);
    const began = Date.now();
    let made = 0;
    while (Date.now() - began < 1000) {
      writeFileSync(join(folder, 'other'), '');
      unlinkSync(join(folder, 'other'));
      made += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(made).toBeGreaterThan(200);
    expect(looks.length).toBeLessThanOrEqual((Date.now() - began) / 100 + 1);
    for (let n = 1; n < looks.length; n += 1)
      expect((looks[n] ?? 0) - (looks[n - 1] ?? 0)).toBeGreaterThanOrEqual(95);
    const stall = longestStall();
    const [before, came] = [looks.length, Date.now()];
    writeFileSync(path, '');
    await expect.poll(() => looks.length, within).toBeGreaterThan(before);
    expect((looks.at(-1) ?? 0) - came).toBeLessThan(200 + stall());
  });

  test('a path that comes while the watch begins takes one look', async () => {
    const path = join(temporaryFolder(), 'x');
    writeFileSync(path, '');
    const { looks } = watchOf(path); // there already: the look before was too early
    expect(looks.length).toBeGreaterThan(0);
  });
});
