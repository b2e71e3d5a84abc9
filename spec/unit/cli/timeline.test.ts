import { expect, test } from 'vitest';
import { drawTimeline } from '../../../src/cli/timeline.ts';
import { runaway } from './past.ts';

const at = (...seconds: number[]) => seconds.map((second) => ({ at: second * 1000, failed: false }));

test('nothing to draw for one moment, none, or several at once', () => {
  expect([drawTimeline([]), drawTimeline(at(5)), drawTimeline(at(5, 5))]).toEqual(['', '', '']);
});

test('the same distance every time', () => {
  expect(drawTimeline(at(0, 30, 60, 90))).toMatchInlineSnapshot(`
    "  ●────────────────────●────────────────────●────────────────────● 1 min 30 s
    "
  `);
});

test('a chain that backs off', () => {
  const moments = (count: number) =>
    runaway(count).map(({ start }) => ({ at: Date.parse(start), failed: false }));
  expect([12, 14, 16, 20, 40].map((count) => drawTimeline(moments(count))).join('')).toMatchInlineSnapshot(`
    "  ●─●─●──●─●─●─●─●─●──●──────────────●───────────────────────────● 2 min 25 s
      ●22●2●●───●───────●──────────────●─────────────────────────────● 8 min 35 s
      46─●─●───●───────●──────────────●──────────────────────────────● 32 min 45 s
      +2●─●──●─────●────────────●───────────●────────────●───────────● 2 h 33 min
      +2─●─●──●─●──●─●──●─●──●─●──●─●──●─●──●─●──●─●──●─●──●─●──●─●──● 12 h 34 min
    "
  `);
});

test('several in one place are counted, more than nine are many, and a failure is always seen', () => {
  const moments = [
    ...at(0, 1, 2, 1000),
    ...at(...Array(10).fill(500)),
    { at: 250_000, failed: true },
    ...at(250),
  ];
  expect(drawTimeline(moments)).toMatchInlineSnapshot(`
    "  3───────────────×───────────────+──────────────────────────────● 16 min 40 s
    "
  `);
});

test('the order of the moments does not matter', () => {
  expect(drawTimeline(at(60, 0, 30))).toBe(drawTimeline(at(0, 30, 60)));
});
