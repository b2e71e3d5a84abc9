import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { monotonic } from '../../../src/os/clock.ts';
import { here } from '../../../src/os/place.ts';
import { type ProcessId, readStat, self } from '../../../src/os/process.ts';
import type { Entry } from '../../../src/schedule/entry.ts';
import { noteLastStart } from '../../../src/state/chains.ts';
import { withLock } from '../../../src/state/lock.ts';
import { type CommandRecord, writeRecord } from '../../../src/state/records.ts';
import { type StartSlot, slotPath, takeSlot } from '../../../src/state/start-slot.ts';
import type { WaiterContext } from '../../../src/wait/context.ts';
import { otherWaiter } from '../../../src/wait/obstacles.ts';
import { living, lockOfPuppet } from '../living.ts';
import { entry } from '../schedule/entries.ts';
import { record } from '../state/record.ts';
import { temporaryFolder } from '../state/temporary.ts';

const [OWN, OTHER] = ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb'];
const MINUTE = 60_000;
const DEAD = { pid: 4_194_304, start: 1 };

let other: ProcessId;
let stopped: ProcessId;
let lockFile: string;
beforeAll(async () => {
  other = living();
  stopped = living();
  process.kill(stopped.pid, 'SIGSTOP');
  lockFile = lockOfPuppet();
  await vi.waitFor(() => expect(readStat(stopped.pid)?.state).toBe('T'));
});

function stateFolder(): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'commands'));
  return folder;
}

/** Something that was due so many milliseconds ago. */
function dueSince(milliseconds: number, changes: Partial<Entry> = {}): Entry {
  const at = monotonic() - milliseconds;
  return entry({ notifiedAt: at, runEndedAt: at, ...changes });
}

const context = { id: OWN, rules: { burst: 0, maxDelay: 1800 } } as WaiterContext;
/** The entry of this process has been due for a minute. */
const own = () => record({ ...here(), waiter: self(), entries: [dueSince(MINUTE)] });

/** What a waiter notes that something keeps from its start, by Puppet's files. */
function heldUpBy(kind: string, puppet: Partial<CommandRecord['puppet']> = {}): Partial<CommandRecord> {
  return { heldUp: 'in words', heldUpBy: kind, puppet: { ...record().puppet, ...puppet } };
}

describe('another rerun that is about to start', () => {
  const slot = (changes: Partial<StartSlot> = {}): StartSlot => ({
    ...{ ...other, ...here(), at: monotonic(), mode: 'agent', lockFile: '/nonexistent' },
    ...changes,
  });
  test.each<[string, boolean, () => Partial<StartSlot>]>([
    ['goes first', true, () => ({})],
    ['has 15 s for that', false, () => ({ at: monotonic() - 15_001 })],
    ['has died', false, () => DEAD],
    ['has died, and another process has its pid', false, () => ({ start: other.start - 1 })],
    ['is of another boot', false, () => ({ boot: 'b' })],
    ['is in another container', false, () => ({ pidNamespace: 'pid:[1]' })],
    ['is past that where its Puppet, or another one, has the lock', false, () => ({ lockFile })],
    ['is a `puppet apply`, for which no lock counts', true, () => ({ mode: 'apply', lockFile })],
  ])('%s: %s', (_, expected, changes) => {
    const folder = stateFolder();
    writeFileSync(slotPath(folder), JSON.stringify(slot(changes())));
    const found = otherWaiter(own(), context, folder, 0);
    expect(found).toEqual(expected ? { kind: 'start', pid: other.pid } : undefined);
    // However long others have been let go first: it may start a Puppet in this moment.
    expect(otherWaiter(own(), context, folder, MINUTE)).toEqual(found);
  });

  test('is not this process itself', () => {
    const folder = stateFolder();
    takeSlot(folder, 'apply', '/nonexistent');
    expect(otherWaiter(own(), context, folder, 0)).toBeUndefined();
  });
});

describe('another waiter', () => {
  const turn = async (changes: Partial<CommandRecord>, { id = OTHER, waited = 0 } = {}) => {
    const folder = stateFolder();
    const its = record({ ...here(), waiter: other, entries: [dueSince(2 * MINUTE)], ...changes });
    await withLock(folder, () => writeRecord(folder, id, its));
    return otherWaiter(own(), context, folder, waited);
  };

  test.each<[string, boolean, () => Partial<CommandRecord>]>([
    ['goes first whose rerun has been due for longer', true, () => ({})],
    ['that is due later', false, () => ({ entries: [dueSince(0)] })],
    ['that is not due yet', false, () => ({ entries: [dueSince(2 * MINUTE, { wait: 3 * MINUTE })] })],
    [
      'whose run goes on',
      false,
      () => ({ entries: [dueSince(2 * MINUTE, { runEndedAt: undefined as never })] }),
    ],
    ['that is in its grace time', false, () => ({ entries: [dueSince(2 * MINUTE, { grace: 3 * MINUTE })] })],
    ['that something else holds up', false, () => ({ heldUp: 'no room on the disk', heldUpBy: 'trouble' })],
    ['that something held up for an older version', false, () => ({ heldUp: 'no room on the disk' })],
    ['that is disabled', false, () => heldUpBy('disabled', { disabledFile: lockFile })],
    ['that has been enabled just now', true, () => heldUpBy('disabled', { disabledFile: '/nonexistent' })],
    ['that may not know that the shutdown has been cancelled', true, () => heldUpBy('shutdown')],
    ['whose back-off is over in this moment', true, () => heldUpBy('time')],
    ['that has nothing pending', false, () => ({ entries: [] })],
    ['that is dead', false, () => ({ waiter: DEAD })],
    ['that is stopped', false, () => ({ waiter: stopped })],
    ['that is in another container', false, () => ({ pidNamespace: 'pid:[1]' })],
  ])('%s: %s', async (_, expected, changes) => {
    const found = await turn(changes());
    expect(found).toEqual(expected ? { kind: 'turn', pid: other.pid } : undefined);
  });

  test('whose back-off is not over yet', async () => {
    const folder = stateFolder();
    const its = record({ ...here(), waiter: other, entries: [dueSince(2 * MINUTE)], ...heldUpBy('time') });
    await withLock(folder, () => {
      writeRecord(folder, OTHER, its);
      noteLastStart(folder, its.chainKey);
    });
    expect(otherWaiter(own(), context, folder, 0)).toBeUndefined();
  });

  test('is let go first for 2 s', async () => {
    expect(await turn({}, { waited: 2000 })).toMatchObject({ kind: 'turn' });
    expect(await turn({}, { waited: 2001 })).toBeUndefined();
  });

  test('is none where it is the record of this very command', async () => {
    expect(await turn({}, { id: OWN })).toBeUndefined();
  });
});
