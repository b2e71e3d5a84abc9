import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { here } from '../../../src/os/place.ts';
import { self } from '../../../src/os/process.ts';
import { lockPrefix, withLock } from '../../../src/state/lock.ts';
import { type CommandRecord, readRecord, recordPath, writeRecord } from '../../../src/state/records.ts';
import { forget, type Lost, removeStrays, sweep } from '../../../src/state/sweep.ts';
import { record } from './record.ts';
import { temporaryFolder } from './temporary.ts';

const ID = 'aaaaaaaaaaaaaaaa';
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const DEAD = { pid: 4_194_304, start: 1 };
const BOOT = '11111111-2222-3333-4444-555555555555';

function stateFolder(): string {
  const folder = temporaryFolder();
  for (const name of ['commands', 'history']) mkdirSync(join(folder, name));
  return folder;
}

/** Makes a file older. */
function age(path: string, milliseconds: number): void {
  const then = new Date(Date.now() - milliseconds);
  utimesSync(path, then, then);
}

describe('a record that is found', () => {
  const living = record({ ...here(), waiter: self() });
  const elsewhere = record({ ...here(), machine: 'fedcba9876543210', boot: 'another', waiter: DEAD });
  test.each<[string, CommandRecord, 'kept' | 'neither' | Lost['because']]>([
    ['has a living waiter', living, 'kept'],
    ['has a living waiter and nothing pending', { ...living, entries: [] }, 'kept'],
    ['has a dead waiter', { ...living, waiter: DEAD }, 'its waiter was killed'],
    [
      'has a waiter whose pid another process has',
      { ...living, waiter: { ...self(), start: 1 } },
      'its waiter was killed',
    ],
    [
      'has a dead waiter and nothing pending',
      { ...living, waiter: DEAD, entries: [] },
      'its waiter was killed',
    ],
    [
      'is closed, and a former waiter has not seen that yet',
      { ...living, waiter: DEAD, entries: [], former: [self()] },
      'kept',
    ],
    [
      'is closed, and all former waiters have ended',
      { ...living, waiter: DEAD, entries: [], former: [DEAD] },
      'its waiter was killed',
    ],
    [
      'has something pending that only a former waiter knows',
      { ...living, waiter: DEAD, former: [self()] },
      'its waiter was killed',
    ],
    [
      'is of another boot, and a process has the pid of its waiter',
      { ...living, boot: BOOT },
      'the machine was rebooted',
    ],
    [
      'is of another boot, closed, and a process has the pid of its former waiter',
      { ...living, boot: BOOT, entries: [], former: [self()] },
      'the machine was rebooted',
    ],
    ['is of another machine', elsewhere, 'neither'],
    [
      'has a dead waiter that knew another machine-id',
      { ...living, machine: 'fedcba9876543210', waiter: DEAD },
      'its waiter was killed',
    ],
  ])('%s', (_, found, expected) => {
    const { lost, records } = sweep('/nonexistent', new Map([[ID, found]]));
    expect([...records]).toEqual(expected === 'kept' ? [[ID, found]] : []);
    const because = expected === 'kept' || expected === 'neither' ? [] : [expected];
    expect(lost).toEqual(because.map((why) => ({ id: ID, record: found, because: why })));
  });

  // In a container only the file tells: its waiter touches it. A host sees that no process is there (place.test.ts).
  test('is of another container, and was not touched for some minutes', async () => {
    const folder = stateFolder();
    const found = record({ ...here(), pidNamespace: 'pid:[1]', waiter: self() });
    await withLock(folder, () => writeRecord(folder, ID, found));
    age(recordPath(folder, ID), 6 * MINUTE);
    expect(sweep(folder, new Map([[ID, found]]))).toEqual({
      lost: [{ id: ID, record: found, because: 'its container was restarted' }],
      records: new Map(),
    });
  });

  test('is parted from the others, each with its own id', () => {
    const killed = { ...living, waiter: DEAD };
    const found = new Map(Object.entries({ a: killed, b: living, c: elsewhere }));
    const { lost, records } = sweep('/nonexistent', found);
    expect([lost.map(({ id }) => id), [...records.keys()]]).toEqual([['a'], ['b']]);
  });
});

describe('what is lost', () => {
  const lostOf = (id: string, changes: Partial<CommandRecord> = {}): Lost => ({
    id,
    record: record({ ...here(), waiter: DEAD, ...changes }),
    because: 'its waiter was killed',
  });

  test('is told once, before its record goes; without entries it goes untold', async () => {
    const folder = stateFolder();
    const lost = [lostOf(ID), lostOf('bbbbbbbbbbbbbbbb', { entries: [] })];
    const told = await withLock(folder, () => {
      for (const { id, record } of lost) writeRecord(folder, id, record);
      return forget(folder, lost, ({ id }) => `${id} ${existsSync(recordPath(folder, id))}`);
    });
    expect(told).toEqual([`${ID} true`]);
    expect(readdirSync(join(folder, 'commands'))).toEqual([]);
  });

  test('stays as a closed record while a former waiter lives, which would write again what is gone', async () => {
    const folder = stateFolder();
    const lost = lostOf(ID, { former: [self()] });
    await withLock(folder, () => forget(folder, [lost], () => undefined));
    expect(readRecord(folder, ID)).toMatchObject({ entries: [], former: [self()] });
    expect(readRecord(folder, ID)?.log).not.toBe(lost.record.log);
  });
});

describe('a stray file', () => {
  test.each<[string, number, boolean]>([
    ['x.json-aa.tmp', 2 * MINUTE, true],
    ['x.json-aa.tmp', 0.5 * MINUTE, false],
    ['commands/x.json-aa.tmp', 2 * MINUTE, true],
    ['history/x.json-aa.tmp', 2 * MINUTE, true],
    ['history/x.json-aa.tmp', 0.5 * MINUTE, false],
    ['commands/x.json', 2 * MINUTE, false],
    ['commands/x.json', 8 * DAY, false],
    ['commands/x.rerun', 8 * DAY, true],
    ['commands/x.rerun', 6 * DAY, false],
    ['commands/x.last', 8 * DAY, true],
    ['commands/x.last', 6 * DAY, false],
    ['commands/x.chain', 8 * DAY, true],
    ['starting-0123.json', 8 * DAY, true],
    ['starting-0123.json', 6 * DAY, false],
    ['lock-00000000.7', 25 * 60 * MINUTE, true],
    ['lock-00000000.7', 23 * 60 * MINUTE, false],
    ['lock.7', 25 * 60 * MINUTE, true],
    [`${lockPrefix()}7`, 25 * 60 * MINUTE, false],
  ])('%s of %i ms ago is removed: %s', (name, milliseconds, expected) => {
    const folder = stateFolder();
    writeFileSync(join(folder, name), '');
    age(join(folder, name), milliseconds);
    removeStrays(folder);
    expect(existsSync(join(folder, name))).toBe(!expected);
  });
});
