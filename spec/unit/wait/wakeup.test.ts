import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createWakeup } from '../../../src/wait/wakeup.ts';
import { temporaryFolder } from '../state/temporary.ts';

describe('a sleep', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** How long a sleep takes when nothing happens, and what it says. */
  async function slept(milliseconds: number, wakeup = createWakeup()): Promise<[number, boolean]> {
    const start = Date.now();
    const sleep = wakeup.sleep(milliseconds);
    await vi.runAllTimersAsync();
    return [Date.now() - start, await sleep];
  }

  test.each([
    [25, 25],
    [60_000, 60_000],
    [60_001, 60_000],
    [315_360_000_000, 60_000],
    [Number.POSITIVE_INFINITY, 60_000],
  ])('of %d ms takes %i ms', async (milliseconds, expected) => {
    expect(await slept(milliseconds)).toEqual([expected, false]);
  });

  test.each([0, -1, -315_360_000_000])('of %d ms is over at once', async (milliseconds) => {
    const [took, poked] = await slept(milliseconds);
    expect(took).toBeLessThanOrEqual(1);
    expect(poked).toBe(false);
  });

  test('is ended by a poke', async () => {
    const wakeup = createWakeup();
    const sleep = wakeup.sleep(60_000);
    wakeup.poke();
    expect(await sleep).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is not begun after a poke, which counts once', async () => {
    const wakeup = createWakeup();
    wakeup.poke();
    wakeup.poke();
    expect(await slept(1000, wakeup)).toEqual([0, true]);
    expect(await slept(1000, wakeup)).toEqual([1000, false]);
  });
});

describe('a watched folder', () => {
  test('ends the sleep when a file in it changes', async () => {
    const folder = temporaryFolder();
    const wakeup = createWakeup();
    try {
      wakeup.watch(folder);
      const sleep = wakeup.sleep(10_000);
      writeFileSync(join(folder, 'x'), 'x');
      expect(await sleep).toBe(true);
    } finally {
      wakeup.close();
    }
  });

  test('where one name is meant, ends it when that one is replaced, and for no other', async () => {
    const folder = temporaryFolder();
    const wakeup = createWakeup();
    try {
      wakeup.watch(folder, { name: 'x' });
      writeFileSync(join(folder, 'other'), 'x');
      expect(await wakeup.sleep(100)).toBe(false);
      const sleep = wakeup.sleep(10_000);
      renameSync(join(folder, 'other'), join(folder, 'x'));
      expect(await sleep).toBe(true);
    } finally {
      wakeup.close();
    }
  });

  test('that is not there is no error', () => {
    const wakeup = createWakeup();
    expect(() => wakeup.watch('/nonexistent')).not.toThrow();
    wakeup.close();
    wakeup.close();
  });
});
