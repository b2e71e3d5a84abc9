import { describe, expect, test } from 'vitest';
import type { PuppetProcess } from '../../../src/puppet/processes.ts';
import { createSurvey } from '../../../src/wait/survey.ts';

const SECOND = 1000;
/** How much later than its first line a test may look at the clock. */
const LATE_MS = 500;

/** A Puppet of this age, and whether it has its lock. */
function puppet(mode: PuppetProcess['mode'], age: number, atWork = false): PuppetProcess {
  const id = { pid: 4711, start: 1 };
  return { id, mode, atWork, age, run: undefined, environment: [], settings: undefined };
}

describe('how long a Puppet may still be about to take its lock', () => {
  test.each<[string, PuppetProcess, number]>([
    ['an agent that has just begun', puppet('agent', 0), 15 * SECOND],
    ['an agent of 14 s', puppet('agent', 14 * SECOND), SECOND],
    ['one that sleeps, in splay or for another lock', puppet('agent', 15 * SECOND), 0],
    ['one that has slept for an hour', puppet('agent', 3600 * SECOND), 0],
    ["a daemon's run that has just begun", puppet('daemon', 0), 15 * SECOND],
    ['a `puppet apply`, which takes none', puppet('apply', 0), 0],
  ])('%s', (_, process, expected) => {
    const left = createSurvey(0, []).mayTakeLock(process);
    expect(left).toBeLessThanOrEqual(expected);
    expect(left).toBeGreaterThanOrEqual(Math.max(0, expected - LATE_MS));
  });
});

test.each<[string, PuppetProcess, boolean]>([
  ['an agent that has its lock, however old', puppet('agent', 3600 * SECOND, true), true],
  ['an agent that may be about to take it', puppet('agent', 14 * SECOND), true],
  ['an agent that sleeps', puppet('agent', 15 * SECOND), false],
  ['a `puppet apply`', puppet('apply', 3600 * SECOND, true), true],
])('whether a run is going: %s', (_, process, expected) => {
  const going = createSurvey(0, []).going({ at: 0, processes: [process] });
  expect(going).toEqual(expected ? [process] : []);
});
