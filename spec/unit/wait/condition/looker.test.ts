import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { allPids, readStat } from '../../../../src/os/process.ts';
import { hasEnded } from '../../../../src/os/stat.ts';
import type { Condition } from '../../../../src/schedule/condition.ts';
import {
  commandLimit,
  createLooker,
  type LookerOptions,
  type Looks,
} from '../../../../src/wait/condition/looker.ts';
import { awaitedEntry } from '../../schedule/entries.ts';
import { temporaryFolder } from '../../state/temporary.ts';

const condition = (changes: Partial<Condition>): Condition => ({
  exists: [],
  connects: [],
  succeeds: undefined,
  sensitive: false,
  interval: 1,
  timeout: 60,
  onTimeout: 'run',
  ...changes,
});

/** A looker at these conditions, by their ids, and what it has told. */
function begin(conditions: Readonly<Record<string, Condition>>, more: Partial<LookerOptions> = {}) {
  const met: string[] = [];
  const unstartable: string[] = [];
  const looks = new Map<string, Looks>();
  const looker = createLooker({
    words: (id) => conditions[id],
    surroundings: () => ENVIRONMENT,
    met: (ids) => met.push(...ids),
    looked: (ids, one) => {
      for (const id of ids) looks.set(id, one);
    },
    unstartable: (ids, because) => unstartable.push(`${ids}: ${because}`),
    ...more,
  });
  onTestFinished(async () => {
    await looker.close();
  });
  const at = (ids: readonly string[], interval = 50) =>
    looker.lookAt(ids.map((id) => awaitedEntry({ id, interval }, { name: id })));
  return { looker, at, met, unstartable, looks };
}

const ENVIRONMENT = { environment: { PATH: '/usr/bin:/bin' } };
const within = { timeout: 20_000, interval: 5 };
const lines = (path: string) => {
  try {
    return readFileSync(path, 'utf8').split('\n').length - 1;
  } catch {
    return 0;
  }
};

test.each([
  [1, 30],
  [30, 30],
  [31, 31],
  [3600, 3600],
])('at an interval of %d s, a command may take %d s', (interval, limit) => {
  expect(commandLimit(interval * 1000)).toBe(limit * 1000);
});

describe('what a waiter looks at', () => {
  test('is found at once where it holds already', async () => {
    const { at, met } = begin({ a: condition({ exists: ['/proc'] }) });
    at(['a'], 3_600_000);
    await expect.poll(() => met, within).toEqual(['a']);
  });

  test('a path is found by inotify, long before the next look', async () => {
    const path = join(temporaryFolder(), 'a/b');
    const folder = join(path, '..');
    const { at, met, looks } = begin({ a: condition({ exists: [path] }) });
    at(['a'], 3_600_000);
    await expect.poll(() => looks.get('a')?.answer, within).toBe(`${path} is not there`);
    writeFileSync(folder, ''); // a file on the way: no folder
    unlinkSync(folder);
    const { mkdirSync } = await import('node:fs');
    mkdirSync(folder);
    writeFileSync(path, '');
    await expect.poll(() => met, within).toEqual(['a']);
  });

  test('all of it has to hold at one look, in the order paths, endpoints, command', async () => {
    const folder = temporaryFolder();
    const [path, ran, goal] = ['path', 'ran', 'goal'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const server = createServer((socket) => socket.on('error', () => {}).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = `127.0.0.1:${(server.address() as { port: number }).port}`;
    await new Promise((resolve) => server.close(resolve));
    const all = condition({
      exists: [path],
      connects: [endpoint],
      succeeds: `echo >> ${ran}; test -e ${goal}`,
    });
    const { at, met, looks } = begin({ a: all });
    at(['a']);
    await expect.poll(() => looks.get('a')?.answer, within).toBe(`${path} is not there`);
    writeFileSync(path, '');
    await expect.poll(() => looks.get('a')?.answer, within).toBe(`${endpoint}: connection refused`);
    expect(lines(ran), 'the command is asked last').toBe(0);
    const again = createServer((socket) => socket.on('error', () => {}).end());
    await new Promise<void>((resolve) => again.listen(Number(endpoint.split(':')[1]), '127.0.0.1', resolve));
    onTestFinished(() => void again.close());
    await expect.poll(() => looks.get('a')?.answer, within).toBe('its command has ended with 1');
    unlinkSync(path); // what held once must hold with the rest
    writeFileSync(goal, '');
    await expect.poll(() => looks.get('a')?.answer, within).toMatch(/is not there|true/);
    writeFileSync(path, '');
    await expect.poll(() => met, within).toEqual(['a']);
  });

  test('by two entries with the same words is looked at once, at the shorter interval', async () => {
    const ran = join(temporaryFolder(), 'ran');
    const same = condition({ succeeds: `echo >> ${ran}; test $(wc -l < ${ran}) -ge 3` });
    const { at, met, looks } = begin({ a: same, b: { ...same, timeout: 9 } });
    at(['a', 'b']);
    await expect.poll(() => met.sort(), within).toEqual(['a', 'b']);
    expect(lines(ran)).toBe(3);
    expect(looks.get('a')).toMatchObject({ looks: 3, answer: 'true' });
  });

  test('commands run one at a time, and one that hangs holds up no other kind of look', async () => {
    const folder = temporaryFolder();
    const ran = join(folder, 'ran');
    const busy = (id: string) =>
      condition({
        succeeds: `mkdir ${folder}/busy && echo ${id} >> ${ran} && sleep 0.1; rmdir ${folder}/busy; false`,
      });
    const { at, met, looks } = begin(
      {
        a: busy('a'),
        b: busy('b'),
        c: condition({ succeeds: 'sleep 600' }),
        d: condition({ exists: ['/proc'] }),
      },
      { commandMs: () => 1000 },
    );
    at(['c', 'a', 'b', 'd']);
    await expect.poll(() => met, within).toEqual(['d']);
    expect(looks.has('c'), 'it hangs').toBe(false);
    await expect
      .poll(() => (looks.get('a')?.looks ?? 0) + (looks.get('b')?.looks ?? 0), within)
      .toBeGreaterThan(3);
    expect(looks.get('c')?.answer).toBe('its command has not ended within 1 s');
    const names = readFileSync(ran, 'utf8').split('\n');
    expect(names).toContain('a');
    expect(names).toContain('b');
  });

  test('a command that cannot be started is told once, and looked at again', async () => {
    const tool = join(temporaryFolder(), 'tool');
    const { at, met, unstartable, looks } = begin({ a: condition({ succeeds: [tool, 'secret'] }) });
    at(['a']);
    await expect.poll(() => looks.get('a')?.looks ?? 0, within).toBeGreaterThan(2);
    expect(unstartable).toEqual(['a: its command cannot be started (ENOENT)']);
    writeFileSync(`${tool}.new`, '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    const { renameSync } = await import('node:fs');
    renameSync(`${tool}.new`, tool);
    await expect.poll(() => met, within).toEqual(['a']);
  });

  test('what is not awaited any more ends, with what it has started; what is awaited again starts from the beginning', async () => {
    const mark = `MARK${process.pid}${Math.random()}`;
    const isGoing = () =>
      allPids().some((pid) => {
        try {
          if (!readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark)) return false;
          return !hasEnded(readStat(pid));
        } catch {
          return false;
        }
      });
    const environment = { PATH: '/usr/bin:/bin', MARK: mark };
    const { at, looker } = begin(
      { a: condition({ succeeds: 'sleep 600' }) },
      { surroundings: () => ({ environment }) },
    );
    at(['a']);
    await expect.poll(isGoing, within).toBe(true);
    at([]);
    await expect.poll(isGoing, within).toBe(false);
    at(['a']);
    await expect.poll(isGoing, within).toBe(true);
    expect(await looker.close(), 'there was a look').toBe(true);
    expect(await looker.close(), 'there is none any more').toBe(false);
    expect(isGoing()).toBe(false);
    expect(
      allPids().filter((pid) => readStat(pid)?.parent === process.pid && readStat(pid)?.state === 'Z'),
    ).toEqual([]);
  });

  test('words that are lost count as met', async () => {
    const { at, met } = begin({});
    at(['gone']);
    expect(met).toEqual(['gone']);
  });

  test('an entry with the words of one that was met a moment ago is looked at, too', async () => {
    const same = condition({ exists: ['/proc'] });
    const { at, met } = begin({ a: same, b: same });
    at(['a']);
    await expect.poll(() => met, within).toEqual(['a']);
    at(['b']);
    await expect.poll(() => met, within).toEqual(['a', 'b']);
  });
});
