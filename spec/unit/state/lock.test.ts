import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bootId, monotonic } from '../../../src/os/clock.ts';
import { readStat, self } from '../../../src/os/process.ts';
import { lockPrefix, requireLock, withLock } from '../../../src/state/lock.ts';
import { temporaryFolder } from './temporary.ts';

const WORKER = new URL('lock.worker.ts', import.meta.url).pathname;

/** Runs a worker to its end, or to the timeout in milliseconds; it must end as it was meant to. */
async function work(folder: string, counter: string, sections: number, diesIn?: number, timeout?: number) {
  const words = [WORKER, folder, counter, String(sections), ...(diesIn ? [String(diesIn)] : [])];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'], timeout });
  let errors = '';
  child.stderr.on('data', (data) => {
    errors += data;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  expect({ code, signal, errors }).toEqual(
    diesIn ? { code: null, signal: 'SIGKILL', errors: '' } : { code: 0, signal: null, errors: '' },
  );
}

describe('processes that really race', () => {
  test('count exactly, though some of them are killed with the lock held', { timeout: 60_000 }, async () => {
    const folder = temporaryFolder();
    const counter = join(temporaryFolder(), 'counter');
    writeFileSync(counter, '0');
    const deaths = [undefined, 3, undefined, 1, 15];
    await Promise.all(deaths.map((diesIn) => work(folder, counter, 20, diesIn)));
    const expected = deaths.reduce<number>((sum, diesIn) => sum + (diesIn ?? 20), 0);
    expect(readFileSync(counter, 'utf8')).toBe(String(expected));
  });
});

describe('one process', () => {
  test('gets what its work returns', async () => {
    expect(await withLock(temporaryFolder(), () => 'done')).toBe('done');
  });

  test('lets go of the lock when its work fails', async () => {
    const folder = temporaryFolder();
    const failing = withLock(folder, () => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await withLock(folder, () => 1)).toBe(1);
  });

  test('is told where the folder was removed meanwhile, with the lock, and another process has made one there', async () => {
    const folder = temporaryFolder();
    const others = join(folder, `${lockPrefix()}1`);
    const owner = JSON.stringify({ pid: 1, start: 1, boot: bootId() });
    await withLock(folder, () => {
      expect(() => requireLock(folder)).not.toThrow();
      for (const name of readdirSync(folder)) rmSync(join(folder, name));
      expect(() => requireLock(folder)).toThrow(`${folder} was removed while it was used`);
      writeFileSync(others, owner, { mode: 0o600 });
      expect(() => requireLock(folder)).toThrow('was removed');
    });
    expect(() => requireLock(folder)).toThrow('without its lock');
    expect(readFileSync(others, 'utf8'), 'it is not given back for that process').toBe(owner);
  });

  test('does one piece of work after the other', async () => {
    const folder = temporaryFolder();
    const steps: string[] = [];
    const piece = (name: string) =>
      withLock(folder, async () => {
        steps.push(`${name} begins`);
        await new Promise((resolve) => setImmediate(resolve));
        steps.push(`${name} ends`);
      });
    await Promise.all(['a', 'b', 'c'].map(piece));
    for (let i = 0; i < 6; i += 2) expect(steps[i + 1]).toBe(steps[i]?.replace('begins', 'ends'));
  });

  test('leaves one small file behind, however often it took the lock', async () => {
    const folder = temporaryFolder();
    for (let i = 0; i < 5; i += 1) await withLock(folder, () => i);
    expect(readdirSync(folder)).toEqual([`${lockPrefix()}5`]);
  });

  test('is refused after a while where a living process keeps it, and only then', async () => {
    const folder = temporaryFolder();
    const path = join(folder, `${lockPrefix()}7`);
    const owner = { pid: process.ppid, start: readStat(process.ppid)?.start, boot: bootId() };
    writeFileSync(path, JSON.stringify(owner), { mode: 0o600 });
    const since = monotonic();
    await expect(withLock(folder, () => 'done', 300)).rejects.toThrow(
      `${path} has been held for 0.3 s by pid ${process.ppid}, which seems stuck`,
    );
    expect(monotonic() - since).toBeGreaterThanOrEqual(300);
    expect(readdirSync(folder)).toEqual([`${lockPrefix()}7`]);
  });

  test('does its work even when the folder is removed meanwhile', async () => {
    const folder = temporaryFolder();
    expect(await withLock(folder, () => rmSync(folder, { recursive: true }))).toBeUndefined();
  });
});

describe('a lock that is left behind counts for nothing', () => {
  test.each<[string, () => string]>([
    ['empty: released', () => ''],
    ['of a dead process', () => JSON.stringify({ pid: 2 ** 22 + 1, start: 1, boot: bootId() })],
    ['of a pid that is another process now', () => JSON.stringify({ ...self(), start: 1, boot: bootId() })],
    ['of another boot', () => JSON.stringify({ ...self(), boot: 'other' })],
    ['rubbish', () => '\0\0\0'],
    ['JSON that is no owner', () => 'null'],
    ['half a name', () => '{"pid":'],
  ])('%s', async (_, content) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, `${lockPrefix()}7`), content());
    expect(
      await withLock(folder, () => readdirSync(folder).filter((name) => !name.endsWith('.tmp'))),
    ).toEqual([`${lockPrefix()}8`]);
  });

  test('the largest number that there is', { timeout: 20_000 }, async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, `${lockPrefix()}${Number.MAX_SAFE_INTEGER}`), '');
    writeFileSync(join(folder, 'counter'), '0');
    await work(folder, join(folder, 'counter'), 1, undefined, 15_000);
    expect(readFileSync(join(folder, 'counter'), 'utf8')).toBe('1');
  });

  test('names that are no lock change nothing', async () => {
    const folder = temporaryFolder();
    const odd = ['', 'x', '-3', '1.5'].map((rest) => lockPrefix() + rest);
    for (const name of [...odd, 'lock.3', 'lock-x.tmp', 'other']) writeFileSync(join(folder, name), 'x');
    expect(await withLock(folder, () => 1)).toBe(1);
  });
});
