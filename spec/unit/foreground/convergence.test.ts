import { describe, expect, test } from 'vitest';
import { type Bounds, countdown, createConvergence } from '../../../src/foreground/convergence.ts';
import type { ProcessId } from '../../../src/os/process.ts';
import type { Notice } from '../../../src/state/channel-message.ts';

const RUN = { pid: 100, start: 1 };

function notice(more: Partial<Notice> = {}): Notice {
  return {
    name: undefined,
    delta: 0,
    startTimerNow: false,
    run: RUN,
    burst: 10,
    maxDelay: 1800,
    limit: undefined,
    splay: 0,
    ...more,
  };
}

function begin(bounds: Partial<Bounds> = {}) {
  return createConvergence('puppet apply site.pp', 42, { limit: undefined, maxWait: 600, ...bounds });
}

/** Lets one more rerun begin: notified by this, with everything due. */
function oneMore(convergence: ReturnType<typeof begin>, more: Partial<Notice> = {}, now = 0) {
  const verdict = convergence.take(notice(more), now, 0);
  convergence.noteEnds(now, () => false);
  return verdict;
}

describe('a notification', () => {
  test.each([
    [
      {},
      'Will run `puppet apply site.pp` again as soon as it has ended, in the foreground: again run, pid 42',
    ],
    [
      { name: 'peers', delta: 5 },
      'Will run `puppet apply site.pp` again 5 s after this run (pid 100) has ended, in the foreground: again run, pid 42',
    ],
    [
      { name: 'peers', delta: 5, startTimerNow: true },
      'Will run `puppet apply site.pp` again in 5 s, but not before it has ended, in the foreground: again run, pid 42',
    ],
  ])('%j is told what will be', (more, text) => {
    expect(begin().take(notice(more), 0, 0)).toEqual({ exitCode: 0, text });
  });

  test('is due after the end of its run, and one rerun satisfies all that is', () => {
    const convergence = begin();
    const alive = new Set([RUN.pid, 200]);
    const isAlive = ({ pid }: ProcessId) => alive.has(pid);
    convergence.take(notice(), 1000, 0);
    convergence.take(notice({ name: 'a', delta: 3 }), 1000, 0);
    convergence.take(notice({ name: 'b', delta: 60, run: { pid: 200, start: 1 } }), 1000, 0);
    convergence.noteEnds(2000, isAlive);
    expect(convergence.next(2000)).toEqual({ kind: 'await-run', run: RUN });
    alive.clear();
    convergence.noteEnds(5000, isAlive);
    expect(convergence.next(5000)).toMatchObject({ kind: 'rerun', due: 5000 });
    expect(convergence.begin(8000)).toBe(1);
    expect(convergence.entries.map(({ name }) => name)).toEqual(['b']);
    expect(convergence.next(8000)).toEqual({ kind: 'await-time', until: 65_000 });
  });

  test('of a name that is pending takes its place', () => {
    const convergence = begin();
    convergence.take(notice({ name: 'a', delta: 3 }), 0, 0);
    convergence.take(notice({ name: 'a', delta: 50 }), 0, 0);
    expect(convergence.entries.map(({ wait }) => wait)).toEqual([50_000]);
  });

  test('of a delta beyond --max-wait is dropped and named once', () => {
    const convergence = begin({ maxWait: 10 });
    const why = 'its delta of 11 s is longer than the 10 s of --max-wait';
    expect(convergence.take(notice({ name: 'late', delta: 11 }), 0, 0)).toEqual({
      exitCode: 0,
      text: `Nothing scheduled: ${why} (again run, pid 42)`,
    });
    expect(convergence.takeDropped()).toEqual([`late is not waited for: ${why}`]);
    expect(convergence.takeDropped()).toEqual([]);
    expect(convergence.next(0)).toEqual({ kind: 'finish' });
    expect(convergence.take(notice({ delta: 10 }), 0, 0).text).toMatch(/^Will run/);
  });

  test('of a delta beyond --max-wait replaces what was pending under its name', () => {
    const convergence = begin({ maxWait: 10 });
    convergence.take(notice({ name: 'a', delta: 5 }), 0, 0);
    convergence.take(notice({ name: 'b', delta: 5 }), 0, 0);
    convergence.take(notice({ name: 'a', delta: 11 }), 0, 0);
    expect(convergence.entries.map(({ name }) => name)).toEqual(['b']);
  });
});

describe('a condition', () => {
  const condition = {
    exists: ['/dev/x'],
    connects: [],
    succeeds: undefined,
    sensitive: false,
    interval: 5,
    timeout: 60,
    onTimeout: 'run' as const,
  };

  test('is looked at when its run has ended, and is due when it is met', () => {
    const convergence = begin();
    expect(convergence.take(notice({ name: 'w', condition }), 0, 0, 'a1').text).toBe(
      'Will run `puppet apply site.pp` again when this run (pid 100) has ended and /dev/x exists, at the latest after 60 s, in the foreground: again run, pid 42',
    );
    expect(convergence.awaited(1000)).toEqual([]);
    convergence.noteEnds(1000, () => false);
    expect(convergence.next(1000)).toEqual({ kind: 'look', until: 61_000 });
    expect(convergence.awaited(1000)).toEqual(convergence.entries);
    convergence.meet(['other'], 2000);
    expect(convergence.next(2000).kind).toBe('look');
    convergence.meet(['a1'], 3000);
    expect(convergence.next(3000)).toMatchObject({ kind: 'rerun', due: 3000 });
    expect(convergence.begin(3000)).toBe(1);
    expect(convergence.entries).toEqual([]);
  });

  test('that does not come to hold in time runs, or is dropped and named', () => {
    const convergence = begin();
    oneMore(convergence, { name: 'run', condition });
    oneMore(convergence, { name: 'drop', condition: { ...condition, timeout: 9, onTimeout: 'drop' } });
    const step = convergence.next(9000);
    if (step.kind !== 'drop') throw new Error(step.kind);
    convergence.drop(step.entries);
    expect(convergence.takeDropped()).toEqual(['drop: not true within 9 s: /dev/x exists']);
    expect(convergence.next(9000)).toEqual({ kind: 'look', until: 60_000 });
    expect(convergence.next(60_000)).toMatchObject({ kind: 'rerun' });
  });

  test('that is dropped at its time has one look more after a run, which keeps all looks from it', () => {
    const convergence = begin();
    const drop = { ...condition, timeout: 9, onTimeout: 'drop' as const };
    convergence.take(notice({ name: 'w', condition: drop }), 0, 0, 'a1');
    convergence.noteEnds(0, () => false);
    convergence.begin(1000);
    convergence.lookAgain(20_000);
    expect(convergence.next(20_000)).toEqual({ kind: 'look', until: 80_000 });
    expect(convergence.awaited(20_000)).toHaveLength(1);
    // It takes as long as it takes, and not longer.
    expect(convergence.next(29_000).kind).toBe('look');
    convergence.looked(['a1']);
    expect(convergence.next(29_000).kind).toBe('drop');
  });

  test('that runs at its time does so at once after a run that took longer', () => {
    const convergence = begin();
    oneMore(convergence, { name: 'w', condition });
    convergence.begin(1000);
    convergence.lookAgain(70_000);
    expect(convergence.next(70_000)).toMatchObject({ kind: 'rerun' });
  });

  test('is not waited for beyond --max-wait, and no rerun is made for that', () => {
    const convergence = begin({ maxWait: 10 });
    oneMore(convergence, { name: 'w', condition });
    expect(convergence.entries[0]?.condition).toMatchObject({ timeout: 10_000, onTimeout: 'drop' });
    expect(convergence.next(10_000).kind).toBe('drop');
  });

  test('and a delta of the same name are two', () => {
    const convergence = begin();
    oneMore(convergence, { name: 'w', condition });
    oneMore(convergence, { name: 'w', delta: 5 });
    expect(convergence.entries).toHaveLength(2);
    expect(convergence.cancel({ cancel: { name: 'w' } })).toBe(2);
  });
});

describe('`again now`', () => {
  test('makes one name due, or all, and not before the notifying run has ended', () => {
    const convergence = begin();
    for (const name of ['a', 'b']) convergence.take(notice({ name, delta: 60 }), 0, 0);
    expect(convergence.hurry({ now: { name: 'nobody' } }, 1000)).toBe(0);
    expect(convergence.hurry({ now: { name: 'a' } }, 1000)).toBe(1);
    expect(convergence.next(1000)).toEqual({ kind: 'await-run', run: RUN });
    convergence.noteEnds(2000, () => false);
    expect(convergence.next(2000)).toMatchObject({ kind: 'rerun', due: 2000 });
    convergence.begin(2000);
    expect(convergence.next(3000)).toEqual({ kind: 'await-time', until: 62_000 });
    expect(convergence.hurry({ now: 'all' }, 3000)).toBe(1);
    expect(convergence.next(3000)).toMatchObject({ kind: 'rerun', due: 3000 });
  });
});

describe('a chain', () => {
  test.each([
    ['the command line says', 2, 5, 2],
    ['the class says', undefined, 3, 3],
    ['neither says', undefined, undefined, 20],
  ])('ends where %s', (_, limit, ofClass, last) => {
    const convergence = begin({ limit });
    for (let link = 1; link <= last; link += 1) {
      expect(oneMore(convergence, { limit: ofClass, burst: 1000 })).toMatchObject({ exitCode: 0 });
      expect(convergence.begin(0)).toBe(link);
    }
    const refused = `again: the chain of reruns ends here: this would be rerun ${last + 1}, and limit is ${last}`;
    expect(oneMore(convergence, { limit: ofClass })).toEqual({ exitCode: 1, text: refused });
    expect(convergence.limitReached).toBe(true);
    expect(convergence.next(0)).toEqual({ kind: 'finish' });
  });

  test('a limit of 0 allows no rerun', () => {
    expect(begin({ limit: 0 }).take(notice(), 0, 0).exitCode).toBe(1);
  });

  test('backs off after the burst, whatever --max-wait says', () => {
    const convergence = begin({ maxWait: 100 });
    const waits: number[] = [];
    for (let link = 1; link <= 6; link += 1) {
      oneMore(convergence, { burst: 2 });
      waits.push(convergence.entries[0]?.wait ?? -1);
      convergence.begin(1e9);
    }
    expect(waits).toEqual([0, 0, 30_000, 60_000, 120_000, 240_000]);
  });

  test('is exhausted after as many reruns as the limit says, whatever is pending', () => {
    const convergence = begin({ limit: 2 });
    for (const name of ['a', 'b', 'c']) oneMore(convergence, { name });
    expect([convergence.limit, convergence.isExhausted]).toEqual([2, false]);
    for (const link of [1, 2]) expect(convergence.begin(-1)).toBe(link);
    expect(convergence.isExhausted).toBe(true);
    expect(convergence.entries).toHaveLength(3);
  });

  test('keeps 30 s after a run that was aborted', () => {
    const convergence = begin();
    convergence.take(notice(), 0, 0);
    convergence.noteEnds(
      1000,
      () => false,
      () => true,
    );
    expect(convergence.next(1000)).toEqual({ kind: 'rerun', due: 1000, notBefore: 31_000 });
  });

  test('goes on where what was pending before it is due in the end', () => {
    const convergence = begin();
    oneMore(convergence, { name: 'late', delta: 500 });
    for (const link of [1, 2, 3]) {
      oneMore(convergence);
      expect(convergence.begin(0)).toBe(link);
    }
    expect(convergence.begin(500_000)).toBe(4);
    expect(convergence.entries).toEqual([]);
  });
});

test('the countdown is in whole seconds, of what is due then', () => {
  const convergence = begin();
  oneMore(convergence, { name: 'a', delta: 5 });
  oneMore(convergence, { name: 'b', delta: 50 });
  expect(countdown(convergence, 5000, 100)).toEqual({ seconds: 5, names: ['a'] });
  expect(countdown(convergence, 5000, 4010)).toEqual({ seconds: 1, names: ['a'] });
  expect(countdown(convergence, 5000, 4501)).toBeUndefined();
});
