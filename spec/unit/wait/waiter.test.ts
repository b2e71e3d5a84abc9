import { rmSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { monotonic } from '../../../src/os/clock.ts';
import { withLock } from '../../../src/state/lock.ts';
import { type CommandRecord, readRecord, recordPath, writeRecord } from '../../../src/state/records.ts';
import { living } from '../living.ts';
import { awaitedEntry } from '../schedule/entries.ts';
import { ID } from './names.ts';
import { WaiterProcess } from './waiters.ts';

const PATIENCE = { timeout: 60_000, interval: 20 };
const DELTA_MS = 300;

/** What is pending, once a record has it that passes. */
async function recorded(waiter: WaiterProcess, passes = (_: CommandRecord) => true): Promise<CommandRecord> {
  return vi.waitFor(() => {
    const record = waiter.files.length > 0 ? readRecord(waiter.folder, ID) : undefined;
    if (!record || !passes(record)) throw new Error(`the record is ${JSON.stringify(record)}`);
    return record;
  }, PATIENCE);
}

async function told(waiter: WaiterProcess, line: RegExp): Promise<void> {
  await vi.waitFor(() => expect(waiter.journal.at(-1)).toMatch(line), PATIENCE);
}

describe.concurrent('a waiter', { timeout: 120_000 }, () => {
  test('waits for the end of the run that has notified, then for the delta, then becomes the rerun', async () => {
    const run = living();
    const waiter = new WaiterProcess({
      waits: true,
      entries: [[undefined, { name: 'n', run, wait: DELTA_MS }]],
    });
    await recorded(waiter);
    expect(waiter.journal).toEqual([]);
    const killed = monotonic();
    process.kill(run.pid, 'SIGKILL');
    expect(await waiter.end()).toBeUndefined();
    expect(waiter.journal).toEqual([expect.stringMatching(/^started: n: /)]);
    expect(waiter.timedJournal[0]?.at).toBeGreaterThanOrEqual(killed + DELTA_MS);
    expect(waiter.log()).toContain('ran agent -t');
  });

  test('tells what is in the way, and starts as soon as that has passed', async () => {
    const waiter = new WaiterProcess({ waits: true, isDisabled: true });
    await told(waiter, /^waiting: Exec\['again'\]: for `puppet agent --enable`$/);
    await recorded(waiter, ({ heldUpBy }) => heldUpBy === 'disabled');
    rmSync(waiter.disabledFile);
    expect(await waiter.end()).toBeUndefined();
    expect(waiter.journal.slice(1)).toEqual([expect.stringMatching(/^started: Exec\['again'\]: /)]);
  });

  test.each(['waiter.step', 'start.logged', 'start.noted'])(
    'keeps all where the disk is full at %s, and starts it once there is room',
    async (point) => {
      const waiter = new WaiterProcess({ waits: true }, { [point]: 'throw ENOSPC' });
      expect(await waiter.end()).toBeUndefined();
      expect(waiter.journal).toEqual([
        `waiting: Exec['again']: ENOSPC: injected at ${point}`,
        expect.stringMatching(/^started: Exec\['again'\]: /),
      ]);
    },
  );

  const pending = [0, { name: 'n', wait: 600_000 }] as const;

  test('cancels all after a SIGTERM', async () => {
    const waiter = new WaiterProcess({ waits: true, entries: [pending] });
    await waiter.isListening();
    waiter.child.kill('SIGTERM');
    expect(await waiter.end()).toEqual({ changed: [`commands/${ID}.json`] });
    expect(waiter.journal).toEqual(['cancelled: n']);
  });

  test('writes its record again that was removed', async () => {
    const waiter = new WaiterProcess({ waits: true, entries: [pending] });
    const before = await recorded(waiter);
    await waiter.isListening();
    rmSync(recordPath(waiter.folder, ID));
    expect(await recorded(waiter)).toEqual(before);
    waiter.child.kill('SIGTERM');
    await waiter.end();
    expect(waiter.journal).toEqual(['cancelled: n']);
  });

  test('ends without a word where another process has taken its record over', async () => {
    const waiter = new WaiterProcess({ waits: true, entries: [pending] });
    const record = await recorded(waiter);
    await waiter.isListening();
    const other = { ...record, waiter: living() };
    await withLock(waiter.folder, () => writeRecord(waiter.folder, ID, other));
    expect(await waiter.end()).toEqual({ changed: [`commands/${ID}.json`] });
    expect(waiter.journal).toEqual([]);
    expect(readRecord(waiter.folder, ID)).toEqual(other);
  });

  test('drops a condition that has not come to hold in its time', async () => {
    const { runEndedAt: _, ...awaited } = awaitedEntry({ timeout: 1000, onTimeout: 'drop' });
    const waiter = new WaiterProcess({ waits: true, entries: [[2000, awaited]] });
    expect(await waiter.end()).toEqual({ changed: [`commands/${ID}.json`] });
    expect(waiter.journal).toEqual(['dropped: w: not true within 1 s: /dev/x exists']);
  });
});
