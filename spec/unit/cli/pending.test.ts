import { describe, expect, test } from 'vitest';
import { pendingInForeground, type WaitsFor } from '../../../src/cli/pending.ts';
import type { Condition } from '../../../src/schedule/condition.ts';
import { describeHold, type Hold } from '../../../src/schedule/hold.ts';
import type { ChannelRecord } from '../../../src/state/channel-record.ts';
import { awaitedEntry, entry, goingEntry } from '../schedule/entries.ts';
import { channelRecord as record } from '../state/record.ts';

const HOLD: Hold = { version: 1, since: 0, until: 3_600_000, reason: 'backup' };
const SHOWN = { since: '1970-01-01T00:00:00.000Z', until: '1970-01-01T01:00:00.000Z', reason: 'backup' };

const NOW = 10_000;

describe('below an `again run`', () => {
  test.each<[string, Partial<ChannelRecord>, WaitsFor, Hold?]>([
    ['the end of its run', { entries: [goingEntry()] }, { kind: 'run', pid: 4711 }],
    ['its delta', { entries: [entry({ wait: 60_000 })] }, { kind: 'timer' }],
    ['its condition', { entries: [awaitedEntry()] }, { kind: 'condition' }],
    ['nothing any more', {}, { kind: 'nothing' }],
    [
      'what keeps it from starting',
      { heldUp: 'another Puppet run, pid 7' },
      { kind: 'held', because: 'another Puppet run, pid 7' },
    ],
    ['a hold', { heldUp: describeHold(HOLD) }, { kind: 'hold', ...SHOWN }, HOLD],
    ['a hold that it has not met yet', {}, { kind: 'hold', ...SHOWN }, HOLD],
    [
      'another run during a hold',
      { heldUp: 'another Puppet run, pid 7' },
      { kind: 'held', because: 'another Puppet run, pid 7' },
      HOLD,
    ],
    ['its delta during a hold', { entries: [entry({ wait: 60_000 })] }, { kind: 'timer' }, HOLD],
    [
      'its condition while another entry is held up',
      { heldUp: 'another Puppet run, pid 7', entries: [awaitedEntry(), entry()] },
      { kind: 'condition' },
    ],
  ])('it waits for %s', (_, more, waitsFor, hold) => {
    const [pending] = pendingInForeground(record(more), NOW, new Map(), hold);
    expect(pending).toMatchObject({ waitsFor, foreground: true, pid: 42 });
    expect(pending?.hold).toEqual(hold && SHOWN);
  });

  test.each<[string, Partial<Condition> | undefined, string]>([
    ['as it is', {}, '`pg_isready -q` succeeds'],
    ['that is Sensitive as such', { sensitive: true }, 'its command (Sensitive) succeeds'],
    ['that is not known without its words', undefined, 'its command succeeds'],
  ])('a command is shown %s', (_, more, what) => {
    const condition: Condition = {
      exists: [],
      connects: [],
      succeeds: ['pg_isready', '-q'],
      sensitive: false,
      interval: 5,
      timeout: 60,
      onTimeout: 'run',
      ...more,
    };
    const entries = [awaitedEntry({ id: 'a', what: 'its command succeeds' })];
    const words = new Map(more ? [['a', condition]] : []);
    const [pending] = pendingInForeground(record({ entries }), NOW, words, undefined);
    expect(pending?.condition?.what).toBe(what);
  });
});
