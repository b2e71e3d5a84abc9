import { expect, test } from 'vitest';
import { drawnFor } from '../../../src/os/random.ts';

test('a number that is drawn for words is the same for the same ones, and spread from 0 to 1 for others', () => {
  expect(drawnFor('boot', 1, 2)).toBe(drawnFor('boot', 1, 2));
  const drawn = Array.from({ length: 1000 }, (_, pid) => drawnFor('boot', pid, 7));
  expect(new Set(drawn).size).toBe(1000);
  for (const number of drawn) expect(number).toBeGreaterThanOrEqual(0);
  for (let tenth = 0; tenth < 10; tenth += 1)
    expect(drawn.filter((number) => Math.floor(number * 10) === tenth).length).toBeGreaterThan(50);
  expect(Math.max(...drawn)).toBeLessThanOrEqual(1);
});
