import { mkdirSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { here } from '../../../src/os/place.ts';
import {
  newestRerun,
  noteStarted,
  noteStarting,
  type PastRerun,
  readHistory,
  readStarting,
  writePastRerun,
} from '../../../src/state/history.ts';
import { temporaryFolder } from './temporary.ts';

const HOUR_MS = 3_600_000;

function rerun(id: string): PastRerun {
  return {
    version: 1,
    id,
    boot: 'b',
    startedAt: '2026-11-22T08:00:00.000Z',
    pid: 7,
    start: 7,
    command: 'puppet apply',
    names: [null],
    chain: 'c',
    link: 1,
    unit: null,
    failure: null,
    reportFile: '/r',
  };
}

/** A state folder, and how a rerun is noted in it. */
function history() {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'history'));
  const note = (id: string) => {
    noteStarting(folder, rerun(id));
    noteStarted(folder, { id });
  };
  const date = (id: string, at: number) =>
    utimesSync(join(folder, 'history', `${id}.json`), at / 1000, at / 1000);
  return { folder, note, date };
}

test('the newest rerun is the one that was noted last, also where the wall clock was set back before', () => {
  const { folder, note, date } = history();
  note('a');
  date('a', Date.now() + 2 * HOUR_MS);
  note('b');
  expect(newestRerun(folder)?.id).toBe('b');
  writePastRerun(folder, { ...rerun('b'), outcome: { status: 'changed', seconds: 1 } });
  expect(newestRerun(folder)).toMatchObject({ id: 'b', outcome: { status: 'changed' } });
  note('c');
  expect(newestRerun(folder)?.id).toBe('c');
});

test('a new rerun is remembered where 200 others are newer by a clock that was set back', () => {
  const { folder, note, date } = history();
  const ids = Array.from({ length: 200 }, (_, index) => `r${index}`);
  for (const [index, id] of ids.entries()) {
    note(id);
    date(id, Date.now() + HOUR_MS + index * 1000);
  }
  note('new');
  expect(newestRerun(folder)?.id).toBe('new');
  const left = readdirSync(join(folder, 'history'));
  expect(left).toHaveLength(200);
  expect(left).not.toContain('r0.json');
});

describe('in a folder that is shared', () => {
  const { machine, boot, pidNamespace } = here();
  const other = '0123456789abcdef';
  const container = 'pid:[1]';
  test.each<[string, Partial<PastRerun>, { isShown: boolean; canBeTold: boolean }]>([
    ['of this place', { machine, boot, pidNamespace }, { isShown: true, canBeTold: true }],
    [
      'of this machine before it was booted again',
      { machine, pidNamespace: container },
      { isShown: true, canBeTold: true },
    ],
    [
      'of a container of this machine',
      { machine, boot, pidNamespace: container },
      { isShown: true, canBeTold: false },
    ],
    [
      'of a container with a name of its own',
      { machine: other, boot, pidNamespace: container },
      { isShown: false, canBeTold: false },
    ],
    ['of another machine', { machine: other, pidNamespace }, { isShown: false, canBeTold: false }],
    ['of a version that does not say it', {}, { isShown: true, canBeTold: true }],
  ])('a rerun %s', (_, of, { isShown, canBeTold }) => {
    const { folder } = history();
    writePastRerun(folder, { ...rerun('a'), ...of });
    noteStarting(folder, { ...rerun('b'), ...of });
    expect(readHistory(folder)).toHaveLength(isShown ? 1 : 0);
    expect(newestRerun(folder)?.id).toBe(canBeTold ? 'a' : undefined);
    expect(readStarting(folder)).toHaveLength(canBeTold ? 1 : 0);
  });
});
