import { expect, test } from 'vitest';
import { notifyOnce } from '../support/machine/world.ts';
import { converges, foreground } from './foreground.ts';

const { place } = foreground();
const later = "Common::Again::Delta['later']";
const delta = (seconds: number) => `common::again::delta { 'later': delta => ${seconds} }\n`;

test.concurrent('follows a chain of reruns to its end, and says each event', async (context) => {
  const here = await place(context);
  const { world } = here;
  const first = await world.run({ argv: await here.apply(converges(world, 3, later, delta(15))) });
  expect(first.code, first.output).toBe(0);
  const { code, stdout, output } = await here.wait();
  expect(code, output).toBe(0);
  expect(await world.runs()).toHaveLength(3);
  expect(await world.helpers()).toEqual([]);
  const lines = stdout.trim().split('\n');
  expect(lines[0]).toMatch(/^waits for later, which (is due|waits for the end)/);
  expect(
    lines.filter((line) =>
      /^rerun of `puppet apply .*` has started \(later\), pid \d+, output to \//.test(line),
    ),
  ).toHaveLength(2);
  expect(
    lines.filter((line) => /^rerun of `puppet apply .*` has ended: changed$/.test(line)).length,
  ).toBeGreaterThan(0);
  expect(lines.at(-1)).toBe('nothing is pending');
  // The pattern of Litmus and Beaker: a second run must change nothing.
  const second = await world.run({
    argv: await here.apply(converges(world, 3, later, delta(15)), '--detailed-exitcodes'),
  });
  expect(second.output).not.toContain('Will run');
});

test.concurrent('goes on to wait for the successor of a waiter that has become its rerun', async (context) => {
  const here = await place(context);
  const { world } = here;
  const both = "[Common::Again::Delta['soon'], Common::Again::Delta['later']]";
  const deltas = `common::again::delta { 'soon': delta => 3 }\n${delta(40)}`;
  await world.run({ argv: await here.apply(notifyOnce(world, both, deltas)) });
  const { code, stdout } = await here.wait('--timeout', '300');
  expect(code, stdout).toBe(0);
  const started = [...stdout.matchAll(/^rerun of .* has started \((\w+)\), pid (\d+),/gm)];
  expect(started.map(([, name]) => name)).toEqual(['soon', 'later']);
  expect(new Set(started.map(([, , pid]) => pid)).size, 'another process').toBe(2);
  expect(stdout).toMatch(/nothing is pending\n$/);
  expect(await world.runs()).toHaveLength(3);
});
