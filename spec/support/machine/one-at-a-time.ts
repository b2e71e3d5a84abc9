import { expect } from 'vitest';
import type { World } from './world.ts';

/** A Puppet from the start of its Ruby to its end, in seconds since boot. */
export interface Span {
  readonly pid: number;
  readonly from: number;
  readonly to: number;
}

/** All Puppets of a world that have ended, oldest first. A rerun counts from the moment in which its waiter became Puppet. */
export async function spans(world: Pick<World, 'clock'>): Promise<readonly Span[]> {
  const { starts, ends } = await world.clock();
  return ends
    .map(({ pid, at }) => ({ pid, from: starts.find((start) => start.pid === pid)?.at ?? 0, to: at }))
    .sort((a, b) => a.from - b.from);
}

/** Asserts that each Puppet of a world had ended before the next one started; returns them, oldest first. */
export async function expectOneAtATime(world: Pick<World, 'clock'>, count: number): Promise<readonly Span[]> {
  const all = await spans(world);
  expect(all).toHaveLength(count);
  for (const [index, span] of all.entries()) {
    const next = all[index + 1];
    if (next) expect(next.from, JSON.stringify(all)).toBeGreaterThan(span.to);
  }
  return all;
}
