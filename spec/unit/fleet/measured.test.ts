import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readMeasured } from '../../../bench/fleet/measured.ts';
import { looksTable } from '../../../bench/simulation/report.ts';
import { pulse } from '../../../bench/simulation/scenarios.ts';

/** The part that docs/FLEET.md has of it: if the two drift apart, its figures for large fleets are worth nothing. */
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

test('docs/FLEET.md says of the looks what follows from what was measured', () => {
  const page = readFileSync(new URL('../../../docs/FLEET.md', import.meta.url), 'utf8');
  expect(page).toContain(`<!-- looks -->\n${looksTable(readMeasured())}\n<!-- /looks -->`);
});
