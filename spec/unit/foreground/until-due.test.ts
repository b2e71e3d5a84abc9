import { expect, test } from 'vitest';
import { createConvergence } from '../../../src/foreground/convergence.ts';
import { type Between, untilDue } from '../../../src/foreground/until-due.ts';
import { monotonic } from '../../../src/os/clock.ts';
import type { Notice } from '../../../src/state/channel-message.ts';

const notice: Notice = {
  name: undefined,
  delta: 0,
  startTimerNow: false,
  run: { pid: 100, start: 1 },
  burst: 10,
  maxDelay: 1800,
  limit: undefined,
  splay: 0,
};

/** One whose run has ended and asked for a rerun at once; what is said and shown, and what else a test changes. */
function begin(more: Partial<Between> = {}) {
  const said: string[] = [];
  const shown: (string | undefined)[] = [];
  const convergence = createConvergence('puppet apply site.pp', 42, { limit: undefined, maxWait: 600 });
  convergence.take(notice, monotonic(), 0);
  const between: Between = {
    convergence,
    looker: { lookAt: () => {}, close: async () => false },
    wakeup: { sleep: async () => false },
    screen: { say: (line) => said.push(line), count: () => {}, clear: () => {} },
    stop: { signal: undefined },
    deadline: Number.POSITIVE_INFINITY,
    noteEnds: (now) => convergence.noteEnds(now, () => false),
    findObstacle: () => undefined,
    drain: async () => false,
    changed: () => {},
    heldUp: (because) => shown.push(because),
    ...more,
  };
  return { between, convergence, said, shown };
}

test('a rerun that is due begins', async () => {
  const { between } = begin();
  expect(await untilDue(between)).toBeUndefined();
});

/** Something happens while the looks are ended, which takes its time. */
function whileLooksEnd(happens: () => void): Between['looker'] {
  let isLooking = true;
  return {
    lookAt: () => {},
    close: async () => {
      if (!isLooking) return false;
      await new Promise((resolve) => setImmediate(resolve));
      isLooking = false;
      happens();
      return true;
    },
  };
}

test('a signal that comes while the looks are ended starts no further run', async () => {
  const stop: { signal: number | undefined } = { signal: undefined };
  const looker = whileLooksEnd(() => {
    stop.signal = 2;
  });
  expect(await untilDue(begin({ stop, looker }).between)).toBe('stopped');
});

test('a time that is over by the end of the looks starts no further run', async () => {
  const deadline = monotonic() + 50;
  const looker = whileLooksEnd(() => {
    while (monotonic() < deadline);
  });
  expect(await untilDue(begin({ deadline, looker }).between)).toBe('time over');
});

test('what is cancelled while the looks are ended is not run', async () => {
  const looker = whileLooksEnd(() => convergence.cancel({ cancel: 'all' }));
  const { between, convergence } = begin({ looker });
  expect(await untilDue(between)).toBe('nothing is pending');
});

test('a run that has begun while the looks are ended is waited for, said and shown', async () => {
  const goes: { on: boolean } = { on: false };
  const { between, said, shown } = begin({
    looker: whileLooksEnd(() => {
      goes.on = true;
    }),
    findObstacle: () => (goes.on ? { because: 'another Puppet run, pid 7', patience: 1 } : undefined),
    wakeup: {
      sleep: async () => {
        goes.on = false;
        return false;
      },
    },
  });
  expect(await untilDue(between)).toBeUndefined();
  expect(said).toEqual(['waits for another Puppet run, pid 7']);
  expect(shown).toEqual(['another Puppet run, pid 7', undefined]);
});

/** What is said while a condition is waited for, beside what else a test has pending. */
async function counted({
  deadline,
  ...more
}: Partial<Notice> & { deadline?: number } = {}): Promise<string[]> {
  const lines = new Set<string>();
  const stop: { signal: number | undefined } = { signal: undefined };
  const { between, convergence } = begin({
    stop,
    deadline: deadline === undefined ? Number.POSITIVE_INFINITY : monotonic() + deadline,
    screen: {
      say: () => {},
      count: (seconds, text) => lines.add(`${text} in ${seconds} s`),
      clear: () => {},
    },
    wakeup: {
      sleep: async () => {
        stop.signal = 15;
        return true;
      },
    },
  });
  convergence.cancel({ cancel: 'all' });
  convergence.take({ ...notice, name: 'disk', condition: awaited(50) }, monotonic(), 0);
  if (more.name !== undefined) convergence.take({ ...notice, ...more }, monotonic(), 1);
  expect(await untilDue(between)).toBe('stopped');
  return [...lines];
}

/** A condition that is waited for so many seconds. */
const awaited = (timeout: number, onTimeout: 'run' | 'drop' = 'run', path = '/dev/x') => ({
  exists: [path],
  connects: [],
  succeeds: undefined,
  sensitive: false,
  interval: 1,
  timeout,
  onTimeout,
});

test.each<[string, Parameters<typeof counted>[0], string]>([
  ['its time is over, and then it runs', {}, 'next run at the latest in 50 s'],
  ['something else is due', { name: 'later', delta: 20 }, 'next run at the latest in 20 s'],
  ['--timeout ends', { deadline: 5000 }, '--timeout ends in 5 s'],
  ['another one is given up', { name: 'other', condition: awaited(30, 'drop') }, 'gives up in 30 s'],
  [
    'another one is looked at for the first time',
    { name: 'later', delta: 10, condition: awaited(40, 'run', '/dev/y') },
    'next step in 10 s',
  ],
  ['the splay of a rerun begins', { name: 'other', condition: awaited(30), splay: 10 }, 'next step in 30 s'],
])('while a condition is waited for, it is said when %s', async (_, more, then) => {
  expect(await counted(more)).toEqual([`waits until /dev/x exists; ${then}`]);
});

test('a condition whose time is over is said once, and its rerun comes all the same', async () => {
  let looks = 0;
  const { between, convergence, said } = begin({
    noteEnds: (now) => convergence.noteEnds(now - 10_000, () => false),
    findObstacle: () => {
      looks += 1;
      return looks < 3 ? { because: 'another Puppet run, pid 7', patience: 1 } : undefined;
    },
  });
  convergence.take({ ...notice, name: 'disk', condition: awaited(5) }, monotonic(), 0);
  expect(await untilDue(between)).toBeUndefined();
  expect(said).toEqual([
    'disk: not true within 5 s: /dev/x exists; it runs all the same',
    'waits for another Puppet run, pid 7',
  ]);
});
