import { describe, expect, test } from 'vitest';
import { readMeasured } from '../../../bench/fleet/measured.ts';
import { pulse } from '../../../bench/simulation/scenarios.ts';

/** What docs/FLEET.md has of it: if the two drift apart, its figures for large fleets are worth nothing. */
describe('the simulation, held against the fleet of four hosts that was measured', () => {
  const { pulse: seen, timings } = readMeasured();
  const simulated = pulse(seen.hosts, timings, seen.links, seen.cores);

  test('has the same runs', () => {
    expect(simulated.runs).toBe(seen.runs);
  });

  test('takes as long, within a quarter', () => {
    const seconds = simulated.lastEnd - timings.start;
    expect(seconds / seen.seconds).toBeGreaterThan(0.75);
    expect(seconds / seen.seconds).toBeLessThan(1.25);
  });

  test('lets requests wait as long, within the time that one takes of the server', () => {
    const worst = Math.max(...simulated.waits);
    const longest = Math.max(...timings.requests.map(({ server }) => server));
    expect(Math.abs(worst - seen.worstWait)).toBeLessThan(seen.hosts * longest);
  });
});
