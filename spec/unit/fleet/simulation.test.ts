import { describe, expect, test } from 'vitest';
import { createClock } from '../../../bench/simulation/clock.ts';
import { type Fleet, type RunTimings, simulate } from '../../../bench/simulation/fleet.ts';
import { createHeap } from '../../../bench/simulation/heap.ts';
import { repeatable } from '../../../bench/simulation/random.ts';
import { DEFAULTS, limitsOfLooks, looks, pulse, sameMinute } from '../../../bench/simulation/scenarios.ts';
import { createServer } from '../../../bench/simulation/server.ts';

const timings: RunTimings = {
  start: 1,
  requests: [
    { agent: 1, server: 0.5 },
    { agent: 2, server: 1.5 },
  ],
  rest: 1,
  cached: 4,
};

/** One host whose every run asks for the next one at once. */
const loop = (more: Partial<Fleet> = {}): Fleet => ({
  hosts: 1,
  timings,
  instances: 1,
  cores: Number.POSITIVE_INFINITY,
  rules: DEFAULTS,
  first: { at: () => 0, hasCatalog: false },
  asks: () => 0,
  seconds: 86_400,
  random: () => 0.5, // no jitter
  ...more,
});

test('a heap gives out the least first, and equals in the order in which they came', () => {
  const heap = createHeap<string>();
  for (const [key, value] of [
    [3, 'd'],
    [1, 'a'],
    [2, 'c'],
    [1, 'b'],
    [5, 'e'],
  ] as const)
    heap.push(key, value);
  expect(heap.least()).toBe(1);
  expect(Array.from({ length: 6 }, () => heap.pop())).toEqual(['a', 'b', 'c', 'd', 'e', undefined]);
});

test('a heap sorts whatever comes', () => {
  const heap = createHeap<number>();
  const random = repeatable(7);
  const values = Array.from({ length: 500 }, () => Math.floor(random() * 100));
  for (const value of values) heap.push(value, value);
  expect(values.map(() => heap.pop())).toEqual(values.toSorted((a, b) => a - b));
});

describe('simulated time', () => {
  test.each([
    ['as much CPU as anybody wants', Number.POSITIVE_INFINITY, [1, 2, 3]],
    ['two cores for three', 2, [1.5, 2.5, 3.5]],
    ['one core for three', 1, [3, 5, 6]],
  ])('%s', (_, cores, ends) => {
    const clock = createClock(cores);
    const seen: number[] = [];
    for (const seconds of [1, 2, 3]) clock.work(seconds, () => seen.push(clock.now()));
    clock.pass(100);
    for (const [index, end] of ends.entries()) expect(seen[index]).toBeCloseTo(end);
  });

  test('what waits for a time uses no core', () => {
    const clock = createClock(1);
    const seen: string[] = [];
    clock.at(2, () => seen.push('timer'));
    clock.work(2.5, () => seen.push('work'));
    clock.at(99, () => seen.push('too late'));
    clock.pass(50);
    expect(seen).toEqual(['timer', 'work']);
  });
});

test('a server answers one request per instance, the others wait in the order in which they came', () => {
  const clock = createClock(Number.POSITIVE_INFINITY);
  const server = createServer(clock, 2);
  const ends: number[] = [];
  for (let request = 0; request < 5; request += 1)
    server.request(
      10,
      () => ends.push(clock.now()),
      () => ends.push(Number.NaN),
    );
  expect(server.queue()).toBe(3);
  clock.pass(100);
  expect(ends).toEqual([10, 10, 20, 20, 30]);
  expect(server.waits).toEqual([0, 0, 10, 10, 20]);
  expect(server.longestQueue()).toBe(3);
  expect(server.queue()).toBe(0);
});

test('a server whose queue is full refuses at once, and serves those that come when there is room', () => {
  const clock = createClock(Number.POSITIVE_INFINITY);
  const server = createServer(clock, 1, 2);
  const seen: string[] = [];
  const ask = (name: string) =>
    server.request(
      10,
      () => seen.push(`${name} ${clock.now()}`),
      () => seen.push(`${name} refused`),
    );
  for (const name of ['a', 'b', 'c', 'd']) ask(name);
  clock.at(15, () => ask('e'));
  clock.pass(100);
  expect(seen).toEqual(['d refused', 'a 10', 'b 20', 'c 30', 'e 40']);
  expect(server.refusals()).toBe(1);
  expect(server.longestQueue()).toBe(2);
});

describe('a fleet', () => {
  test('an agent that is refused sleeps for its Retry-After within its run, and asks once more', () => {
    const fleet = loop({ hosts: 3, asks: () => undefined, limit: { queued: 1, retryDelay: 101 } });
    const { runs, refusals, longestRun, longestQueue } = simulate(fleet);
    expect(runs).toBe(3);
    expect(longestQueue).toBe(1);
    // The third one asks while the first is served and the second waits. It sleeps for half of the delay, in whole seconds.
    expect(refusals).toBe(1);
    const alone = simulate(loop({ asks: () => undefined })).longestRun;
    expect(longestRun).toBeCloseTo(alone + 50);
  });

  test('a limited queue is short, and the last host is done later', () => {
    const free = sameMinute(500, timings, 2, 0);
    const limited = sameMinute(500, timings, 2, 0, { queued: 20, retryDelay: 1800 });
    expect(free.refusals).toBe(0);
    expect(limited.refusals).toBeGreaterThan(100);
    expect(limited.longestQueue).toBe(20);
    expect(limited.lastEnd).toBeGreaterThan(free.lastEnd);
    expect(limited.runs).toBe(free.runs);
  });

  test('a lone run takes the sum of its parts', () => {
    const { runs, lastEnd } = simulate(loop({ asks: (link) => (link === 0 ? 10 : undefined) }));
    expect(runs).toBe(2);
    expect(lastEnd).toBeCloseTo(7 + 10 + 7);
  });

  test('chains back off by the code of `again`: a host that always asks runs 63 times in a day', () => {
    // 11 runs at once, then waits of 30, 60 … 960 s, then 1800 s each.
    const { arrivals, runs } = simulate(loop());
    const gaps = arrivals.map((at, index) => at - (arrivals[index - 1] ?? at) - 7);
    for (const [index, wait] of [30, 60, 120, 240, 480, 960, 1800, 1800].entries())
      expect(gaps[11 + index]).toBeCloseTo(wait);
    expect(gaps.slice(1, 11).every((gap) => Math.abs(gap) < 0.01)).toBe(true);
    expect(runs).toBe(63);
  });

  test('a limit ends the chain, a splay makes it wait', () => {
    const limited = simulate(loop({ rules: { ...DEFAULTS, limit: 2 } }));
    expect(limited.runs).toBe(3);
    const splayed = simulate(loop({ rules: { ...DEFAULTS, limit: 2, splay: 100 } }));
    expect(splayed.lastEnd).toBeCloseTo(limited.lastEnd + 2 * 50);
  });

  test('without a server, a run takes its cached catalog, and goes on asking', () => {
    const { arrivals, runs } = simulate(loop({ away: { from: 0, to: 50 }, asks: () => 5, seconds: 70 }));
    // Runs of 5 s and waits of 5 s, until the one that asks after 50 s.
    expect(arrivals[0]).toBeCloseTo(51);
    expect(runs).toBeGreaterThan(5);
  });

  test('a splay takes the queue away, and a larger server does, too', () => {
    const queueOf = (instances: number, splay: number) =>
      sameMinute(500, timings, instances, splay).longestQueue;
    expect(queueOf(2, 0)).toBeGreaterThan(300);
    expect(queueOf(2, 900)).toBeLessThan(100);
    expect(queueOf(40, 0)).toBeLessThan(20);
  });

  test('four hosts that share two cores need twice the time', () => {
    const alone = pulse(1, timings, 3, 2);
    const four = pulse(4, timings, 3, 2);
    expect(four.runs).toBe(16);
    expect(four.lastEnd / alone.lastEnd).toBeGreaterThan(1.7);
    expect(four.lastEnd / alone.lastEnd).toBeLessThan(2.3);
  });
});

describe('looks at PuppetDB', () => {
  test('that its cores can answer take as long as the work for each', () => {
    const answers = looks(100, 5, 0.01, 1);
    expect(answers.length).toBeGreaterThanOrEqual(100 * 24);
    expect(Math.min(...answers)).toBeCloseTo(0.01);
    expect(Math.max(...answers)).toBeLessThan(0.1);
  });

  test('that are too many wait for each other, one of a host at a time', () => {
    const answers = looks(1000, 5, 0.01, 1); // of 5 s, 10 s of work
    expect(answers.length).toBeLessThanOrEqual(125 / 0.01 + 1000); // with those that are not answered yet
    expect(answers.at(-1001)).toBeGreaterThan(4);
    expect(Math.max(...answers)).toBeLessThan(10.1); // what all of them take
  });

  test('that are so many that none is answered still count', () => {
    const answers = looks(10_000, 5, 1, 1);
    expect(answers).toHaveLength(10_000);
    expect(Math.max(...answers)).toBeGreaterThan(100);
  });

  test.each([
    ['cores that are busy with whole hosts', { work: 0.1, run: 1, cores: 1 }, { interval: 6, hosts: 51 }],
    [
      'a part of a host more than the cores can take',
      { work: 0.3, run: 1, cores: 1 },
      { interval: 18, hosts: 17 },
    ],
    ['more cores, and a more expensive run', { work: 0.1, run: 2, cores: 4 }, { interval: 3, hosts: 201 }],
  ])('are worse than a run each minute from there on: %s', (_, { work, run, cores }, limits) => {
    expect(limitsOfLooks(work, run, 5, cores)).toEqual(limits);
  });

  test('are worse than the runs of a chain that has backed off from a longer interval on', () => {
    expect(limitsOfLooks(0.1, 1, 5, 1, DEFAULTS.maxDelay)).toEqual({ interval: 180, hosts: 51 });
  });
});
