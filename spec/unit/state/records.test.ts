import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Bytes, fromText } from '../../../src/os/bytes.ts';
import { here } from '../../../src/os/place.ts';
import { self } from '../../../src/os/process.ts';
import { withLock } from '../../../src/state/lock.ts';
import {
  type CommandRecord,
  commandId,
  hasLivingWaiter,
  isMine,
  parseRecord,
  readRecord,
  readRecords,
  recordPath,
  removeRecord,
  writeRecord,
} from '../../../src/state/records.ts';
import { awaitedEntry, entry } from '../schedule/entries.ts';
import { record } from './record.ts';
import { temporaryFolder } from './temporary.ts';

function folder(): string {
  const path = temporaryFolder();
  mkdirSync(join(path, 'commands'));
  return path;
}

const ID = '0123456789abcdef';

describe('a record', () => {
  test('comes back as it was written, odd bytes and all', async () => {
    const state = folder();
    const odd = record({
      command: {
        ...record().command,
        argv: ['ruby', 'caf\xe9', '', 'a\nb', 'x'.repeat(128 * 1024)] as Bytes[],
      },
      entries: [
        entry(),
        entry({ name: 'prüfung "1"', startTimerNow: true, wait: 1.5 }),
        awaitedEntry(),
        awaitedEntry({ metAt: 5, onTimeout: 'drop' }, { name: 'x' }),
      ],
      findings: {
        restart: { unit: 'x.service', certain: false, because: 'PrivateTmp=yes', never: 'is transient' },
        whyCommand: 'x.service is transient',
        caveat: 'unless user 1000 has logged out by then',
      },
    });
    await withLock(state, () => writeRecord(state, ID, odd));
    expect(readRecord(state, ID)).toEqual(odd);
    await withLock(state, () => removeRecord(state, ID));
    expect(readRecord(state, ID)).toBeUndefined();
  });

  test('is only written and removed under the lock', () => {
    const state = folder();
    expect(() => writeRecord(state, ID, record())).toThrow('without its lock');
    expect(() => removeRecord(state, ID)).toThrow('without its lock');
  });

  test('of a waiter of version 0.1.0 keeps the form that this one knows', async () => {
    const state = folder();
    const { machine, pidNamespace, facts, grace, software, lineage, ...known } = record({ version: 2 });
    writeFileSync(recordPath(state, ID), JSON.stringify({ ...known, version: 1 }));
    const read = readRecord(state, ID);
    expect(read).toMatchObject({ ...known, software: '0.1.0', facts: '', grace: 0 });
    await withLock(state, () => writeRecord(state, ID, { ...(read as CommandRecord), entries: [] }));
    const written = JSON.parse(readFileSync(recordPath(state, ID), 'utf8'));
    expect(written).toMatchObject({ ...known, version: 1, entries: [] });
    expect(written).not.toHaveProperty('form');
    expect(readRecord(state, ID)).toMatchObject({ entries: [] });
  });

  const { command } = record();
  test.each<[string, unknown]>([
    ['null', null],
    ['a list', []],
    ['a number', 1],
    ['text', 'x'],
    ['an empty object', {}],
    ['another version', { ...record(), version: 3 }],
    ['no place', { ...record(), machine: undefined }],
    ['a grace that is text', { ...record(), grace: '3' }],
    ['an entry with a grace below 0', { ...record(), entries: [{ ...entry(), grace: -1 }] }],
    ['no boot', { ...record(), boot: undefined }],
    ['a waiter that is no process', { ...record(), waiter: { pid: 0, start: 1 } }],
    ['a waiter that is null', { ...record(), waiter: null }],
    ['a run without a start', { ...record(), run: { pid: 1 } }],
    ['a chain with a path in it', { ...record(), chain: '../x' }],
    ['an empty chain', { ...record(), chain: '' }],
    ['a chain that is a number', { ...record(), chain: 5 }],
    ['a chain that is a list', { ...record(), chain: ['c0ffee'] }],
    ['a log in another folder', { ...record(), log: '../../etc/passwd' }],
    ['an empty log', { ...record(), log: '' }],
    ['a log with a newline', { ...record(), log: 'a\n' }],
    ['a log that is a folder', { ...record(), log: '..' }],
    ['a log that is a number', { ...record(), log: 5 }],
    ['a log that is a list', { ...record(), log: ['x.log'] }],
    ['an output to nowhere that is known', { ...record(), logdest: 'syslog' }],
    ['findings that are null', { ...record(), findings: null }],
    ['a reason that is a number', { ...record(), findings: { whyCommand: 1 } }],
    ['a unit without a name', { ...record(), findings: { restart: { certain: true, because: 'x' } } }],
    ['a flag that is text', { ...record(), entries: [{ ...entry(), hurried: 'yes' }] }],
    ['no command', { ...record(), command: null }],
    ['an unknown mode', { ...record(), command: { ...command, mode: 'rm' } }],
    ['arguments that are one text', { ...record(), command: { ...command, argv: 'ruby' } }],
    ['arguments that are numbers', { ...record(), command: { ...command, argv: [1] } }],
    ['a user that is a name', { ...record(), command: { ...command, user: 'root' } }],
    ['entries that are an object', { ...record(), entries: { a: 1 } }],
    ['an entry that is null', { ...record(), entries: [null] }],
    ['an entry whose name is a number', { ...record(), entries: [{ ...entry(), name: 1 }] }],
    ['an entry whose name is null', { ...record(), entries: [{ ...entry(), name: null }] }],
    ['an entry that waits for a negative time', { ...record(), entries: [{ ...entry(), wait: -1 }] }],
    ['an entry that waits for text', { ...record(), entries: [{ ...entry(), wait: '1' }] }],
    ['an entry of link 0', { ...record(), entries: [{ ...entry(), link: 0 }] }],
    ['an entry of link 1.5', { ...record(), entries: [{ ...entry(), link: 1.5 }] }],
    [
      'an entry without start_timer_now',
      { ...record(), entries: [{ ...entry(), startTimerNow: undefined }] },
    ],
    ['an entry of no process', { ...record(), entries: [{ ...entry(), run: { pid: -4, start: 1 } }] }],
    ['a condition that is text', { ...record(), entries: [{ ...entry(), condition: 'x' }] }],
    ['a condition without an id', { ...record(), entries: [awaitedEntry({ id: '' })] }],
    ['a condition met at a text', { ...record(), entries: [awaitedEntry({ metAt: '1' as never })] }],
    ['another end of a condition', { ...record(), entries: [awaitedEntry({ onTimeout: 'x' as never })] }],
    ['an end that is text', { ...record(), entries: [{ ...entry(), runEndedAt: 'now' }] }],
  ])('%s is rubbish', (_, value) => {
    expect(parseRecord(JSON.stringify(value))).toBeUndefined();
  });

  test.each<[string, string]>([
    ['nothing', ''],
    ['half a record', JSON.stringify(record()).slice(0, 100)],
    ['zeros, as a crashed file system leaves them', '\0'.repeat(4096)],
    ['numbers beyond all bounds', JSON.stringify(record()).replace('"wait":0', '"wait":1e999')],
    ['bytes that are not text', '\xff\xfe'],
  ])('%s is rubbish', (_, content) => {
    expect(parseRecord(content)).toBeUndefined();
  });
});

describe('all records', () => {
  test('without rubbish, links, temporary files and what has no such name', async () => {
    const state = folder();
    await withLock(state, () => writeRecord(state, ID, record()));
    writeFileSync(recordPath(state, 'ffffffffffffffff'), 'rubbish');
    writeFileSync(join(state, 'commands/README'), 'x');
    writeFileSync(join(state, `commands/${ID}.json-aa.tmp`), JSON.stringify(record()));
    mkdirSync(recordPath(state, 'aaaaaaaaaaaaaaaa'));
    symlinkSync(recordPath(state, ID), recordPath(state, 'bbbbbbbbbbbbbbbb'));
    expect([...readRecords(state).keys()]).toEqual([ID]);
  });

  test.each<[string, Partial<ReturnType<typeof record>>, boolean]>([
    ['a living waiter of this place', { ...here(), waiter: self() }, true],
    ['a living pid of another boot', { ...here(), boot: record().boot, waiter: self() }, false],
    ['a living waiter that knew another machine-id', { ...here(), machine: '0', waiter: self() }, true],
    ['a living pid of another PID namespace', { ...here(), pidNamespace: 'pid:[1]', waiter: self() }, false],
    ['a pid that is another process now', { ...here(), waiter: { ...self(), start: 1 } }, false],
    ['a dead waiter', { ...here(), waiter: { pid: 2 ** 22 + 1, start: 1 } }, false],
  ])('are held by %s: %s', (_, changes, expected) => {
    expect(hasLivingWaiter(record(changes))).toBe(expected);
  });
});

describe('the name of a command', () => {
  const { command } = record();
  test('is the same for the same executable, arguments, directory and user', () => {
    expect(commandId({ ...command })).toBe(commandId(command));
    expect(commandId(command)).toMatch(/^[0-9a-f]{16}$/);
  });

  test.each<[string, Partial<typeof command>]>([
    ['executable', { executable: fromText('/opt/ruby') }],
    ['argument', { argv: [...command.argv, fromText('')] }],
    ['split of the arguments', { argv: ['/usr/bin/ruby /usr/bin/puppet', 'agent', '-t'].map(fromText) }],
    ['directory', { directory: fromText('/root') }],
    ['user', { user: 1 }],
  ])('is another one for another %s', (_, changes) => {
    expect(commandId({ ...command, ...changes })).not.toBe(commandId(command));
  });
});

test('a record is mine by pid and start time', () => {
  expect(isMine(record({ ...here(), waiter: self() }))).toBe(true);
  expect(isMine(record({ ...here(), pidNamespace: 'pid:[1]', waiter: self() }))).toBe(false);
  expect(isMine(record({ ...here(), waiter: { ...self(), start: 1 } }))).toBe(false);
  expect(isMine(undefined)).toBe(false);
});
