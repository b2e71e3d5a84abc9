import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  allPids,
  hasImage,
  isAlive,
  readAncestry,
  readProcess,
  readStat,
  sameProcess,
  self,
  type Watched,
  watchProcess,
} from '../../../src/os/process.ts';
import { temporaryFolder } from '../state/temporary.ts';

/** A child that runs until its input is closed. */
async function startCat() {
  const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
  await once(child, 'spawn');
  const pid = child.pid as number;
  return {
    id: { pid, start: readStat(pid)?.start as number },
    async end() {
      const exit = once(child, 'exit');
      child.stdin.end();
      await exit;
    },
  };
}

/** No process can have a pid above 2^22 (proc_sys_kernel(5), pid_max). */
const NO_PID = 2 ** 22 + 1;

describe('reading processes', () => {
  test('this process and its ancestors up to init', () => {
    const ancestry = [...readAncestry(process.pid)];
    expect(ancestry[0]?.id).toEqual(self());
    expect(ancestry[1]?.id.pid).toBe(process.ppid);
    expect(ancestry[0]?.argv.length).toBeGreaterThan(0);
    expect(ancestry[0]?.image).toBe(process.execPath);
    for (const [i, { parent }] of ancestry.slice(0, -1).entries())
      expect(ancestry[i + 1]?.id.pid).toBe(parent);
  });

  test('a process that is not there', () => {
    expect(readProcess(NO_PID)).toBeUndefined();
    expect(readStat(NO_PID)).toBeUndefined();
    expect([...readAncestry(NO_PID)]).toEqual([]);
    expect(isAlive({ pid: NO_PID, start: 1 })).toBe(false);
  });

  test('a pid that now belongs to another process is another process', () => {
    const { pid, start } = self();
    expect(isAlive({ pid, start })).toBe(true);
    expect(hasImage(pid)).toBe(true);
    expect(isAlive({ pid, start: start - 1 })).toBe(false);
    expect(sameProcess({ pid, start }, { pid, start: start - 1 })).toBe(false);
    expect(sameProcess({ pid, start }, { pid, start })).toBe(true);
  });

  test('every process is listed, this one too', () => {
    expect(allPids()).toContain(process.pid);
  });
});

describe('watching a process', () => {
  test('it goes on until it has ended', async () => {
    const cat = await startCat();
    const watched = watchProcess(cat.id, () => {});
    expect(watched.ended()).toBe(false);
    expect(watched.ended()).toBe(false);
    await cat.end();
    expect(watched.ended()).toBe(true);
    expect(watched.ended()).toBe(true);
    watched.close();
    watched.close();
  });

  test('its end is told, whatever the pause is by then', async () => {
    const cat = await startCat();
    let tell: (() => void) | undefined;
    const told = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const watched = watchProcess(cat.id, () => tell?.());
    watched.lookEvery(60_000);
    watched.lookEvery(1);
    await cat.end();
    await told;
    expect(watched.ended()).toBe(true);
    watched.close();
  });

  test('what is gone already is told as well', async () => {
    const cat = await startCat();
    const watched = await new Promise<Watched>((resolve) => {
      const found = watchProcess(cat.id, () => resolve(found));
      void cat.end().then(() => found.lookEvery(1));
    });
    expect(watched.ended()).toBe(true);
    watched.close();
  });

  test('a zombie has ended', async () => {
    // The shell becomes `cat`, which never asks for the end of the child that the shell has started.
    const parent = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec cat'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number.parseInt(String(line), 10);
    while (readStat(pid)?.state !== 'Z') await new Promise((resolve) => setImmediate(resolve));
    const id = { pid, start: readStat(pid)?.start as number };
    expect(isAlive(id)).toBe(false);
    expect(hasImage(pid)).toBe(false);
    const watched = watchProcess(id, () => {});
    expect(watched.ended()).toBe(true);
    const exit = once(parent, 'exit');
    parent.stdin.end();
    await exit;
  });

  test('one that was gone before, or whose pid has passed to another process, has ended', () => {
    expect(watchProcess({ pid: NO_PID, start: 1 }, () => {}).ended()).toBe(true);
    const { pid, start } = self();
    expect(watchProcess({ pid, start: start - 1 }, () => {}).ended()).toBe(true);
  });
});

test('where no file descriptor is left, a process that cannot be looked at has not ended, and a look at all processes fails', () => {
  const lock = join(temporaryFolder(), 'agent_catalog_run.lock');
  writeFileSync(lock, '4711');
  const words = ['--nofile=64', process.execPath, join(import.meta.dirname, 'shortage.worker.ts'), lock];
  const { before, then } = JSON.parse(execFileSync('prlimit', words, { encoding: 'utf8' }));
  const alive = { isAlive: true, ended: false };
  expect(before).toEqual({ ...alive, process: true, watch: 'watched', runs: 0, lock: 4711 });
  expect(then).toEqual({ ...alive, process: 'EMFILE', watch: 'EMFILE', runs: 'EMFILE', lock: 'EMFILE' });
});
