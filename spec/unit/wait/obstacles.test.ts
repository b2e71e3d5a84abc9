import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { monotonic } from '../../../src/os/clock.ts';
import type { Entry } from '../../../src/schedule/entry.ts';
import { hurried } from '../../../src/schedule/hurry.ts';
import { noteLastStart } from '../../../src/state/chains.ts';
import { removeHold, writeHold } from '../../../src/state/hold.ts';
import type { WaiterContext } from '../../../src/wait/context.ts';
import { findObstacle, holdInTheWay, type Situation } from '../../../src/wait/obstacles.ts';
import { entry } from '../schedule/entries.ts';
import { record } from '../state/record.ts';
import { temporaryFolder } from '../state/temporary.ts';

const MINUTE = 60_000;

/** A waiter of a `puppet apply` whose chain has started a rerun just now, and what it holds is due. */
function situation(entries: readonly Entry[], more: Partial<Situation> = {}): Situation & { folder: string } {
  const home = temporaryFolder();
  const folder = join(home, 'state');
  mkdirSync(join(folder, 'commands'), { recursive: true });
  const own = record({ command: { ...record().command, mode: 'apply' }, entries });
  noteLastStart(folder, own.chainKey);
  const context = {
    home,
    id: 'a',
    rules: { burst: 2, maxDelay: 1800 },
    restart: undefined,
  } as unknown as WaiterContext;
  const look = { at: monotonic(), processes: [] };
  const survey = { look: () => look, mayTakeLock: () => 0, going: () => [] };
  return { context, record: own, look, survey, notBefore: 0, quietUntil: 0, folder, ...more };
}

describe('what is in the way of a rerun that is due', () => {
  test('nothing within the burst', async () => {
    expect(await findObstacle(situation([entry({ link: 2 })]))).toBeUndefined();
  });

  test('beyond it the distance from the last start of its chain, unless somebody has said `again now`', async () => {
    expect(await findObstacle(situation([entry({ link: 4 })]))).toMatchObject({
      kind: 'time',
      because: 'back-off',
    });
    const now = monotonic();
    const waiting = entry({ link: 4, wait: MINUTE, notifiedAt: now - 10, runEndedAt: now - 10 });
    expect(await findObstacle(situation([hurried(waiting, now)]))).toBeUndefined();
    // An entry that was hurried before the end of its run is not due yet: another entry does not profit.
    const going = { ...hurried(waiting, now), startTimerNow: true, wait: MINUTE };
    expect(await findObstacle(situation([entry({ link: 4 }), going]))).toMatchObject({ kind: 'time' });
  });

  test('a hold, until it is over or released; a run that is going comes before it', async () => {
    const held = situation([entry()]);
    const since = Date.now();
    const hold = { version: 1, since, until: since + MINUTE, reason: 'r' } as const;
    writeHold(held.folder, hold);
    expect(await findObstacle(held)).toEqual({ kind: 'hold', hold, left: expect.any(Number) });
    const run = { id: { pid: 7, start: 1 }, mode: 'apply', age: 0, atWork: true, environment: [] };
    const survey = { ...held.survey, going: () => [run] } as unknown as Situation['survey'];
    expect(await findObstacle({ ...held, survey })).toMatchObject({ kind: 'run', run: { pid: 7 } });
    removeHold(held.folder);
    expect(await findObstacle(held)).toBeUndefined();
    writeHold(held.folder, { ...hold, since: since - 2 * MINUTE, until: since - MINUTE });
    expect(holdInTheWay(held.folder)).toBeUndefined();
  });
});
