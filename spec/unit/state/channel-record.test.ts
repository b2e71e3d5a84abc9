import { chmodSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type ChannelRecord, channelPlaces, parseChannelRecord } from '../../../src/state/channel-record.ts';
import { channelRecord } from './record.ts';
import { temporaryFolder } from './temporary.ts';

const me = process.getuid?.() ?? 0;

describe('the places for channels', () => {
  afterEach(() => vi.unstubAllEnvs());

  /** A user's runtime folder that the environment names. */
  function runtimeFolder(mode: number): string {
    const folder = join(temporaryFolder(), 'runtime');
    mkdirSync(folder);
    chmodSync(folder, mode);
    vi.stubEnv('XDG_RUNTIME_DIR', folder);
    return folder;
  }
  const others = (user: number) => [...new Set([...(user === 0 ? ['/run'] : []), tmpdir(), '/tmp'])];

  test("are a user's own runtime folder before the temporary folder, and /run before both for root", () => {
    const own = runtimeFolder(0o700);
    expect(channelPlaces(me)).toEqual([...(me === 0 ? ['/run'] : []), own, ...new Set([tmpdir(), '/tmp'])]);
  });

  test("are not another user's runtime folder, nor one that others can enter", () => {
    runtimeFolder(0o700);
    expect(channelPlaces(me + 1)).toEqual(others(me + 1));
    runtimeFolder(0o750);
    expect(channelPlaces(me)).toEqual(others(me));
  });
});

describe('the record', () => {
  const record = channelRecord();

  test.each<Partial<ChannelRecord>>([{}, { heldUp: 'another Puppet run, pid 7', stateFolder: '/x/state' }])(
    'with %j is read as it was written',
    (more) => {
      expect(parseChannelRecord(JSON.stringify({ ...record, ...more }))).toEqual({ ...record, ...more });
    },
  );

  test.each([{ version: 2 }, { heldUp: 1 }, { stateFolder: {} }, { command: null }, { entries: [{}] }])(
    'with %j is none',
    (more) => {
      expect(parseChannelRecord(JSON.stringify({ ...record, ...more }))).toBeUndefined();
    },
  );
});
