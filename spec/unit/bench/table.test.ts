import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mean, meanDifference, median, percentile, uncertainty } from '../../../bench/statistics.mjs';
import { drawTable, readTable } from '../../../bench/table.mjs';

describe('the table of benchmarks', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'again-spec-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const row = (ratio: number, uncertainty?: number) => ({
    figure: 'time',
    what: 'again',
    value: '1 ms',
    ratio,
    uncertainty,
    budget: '<= 1.15',
  });

  /** The last cell of a row, where the page before had another ratio. */
  function moved(before: [ratio: number, uncertainty?: number], now: [ratio: number, uncertainty?: number]) {
    const path = join(folder, 'page.md');
    writeFileSync(path, `# Benchmarks\n\n${drawTable([row(...before)], new Map())}\n`);
    return drawTable([row(...now)], readTable(path))
      .split('\n')
      .at(-1)
      ?.split(' | ')
      .at(-1);
  }

  test('says nothing of what is as it was, nor of what is within five per cent', () => {
    expect(moved([1.1, 0.01], [1.1, 0.01])).toBe(' |');
    expect(moved([1], [1.04])).toBe(' |');
  });

  test('says what got worse or better by more than the noise of both', () => {
    expect(moved([1.1, 0.02], [1.43, 0.02])).toBe('+30 %, was 1.1 |');
    expect(moved([1], [0.5])).toBe('-50 %, was 1 |');
  });

  test('the noisier the measurements, the more they have to move', () => {
    expect(moved([1, 0.1], [1.25, 0.1])).toBe(' |');
    expect(moved([1, 0.1], [1.3, 0.1])).toBe('+30 %, was 1 |');
  });

  test('a page has two digits of a ratio, and what they leave out has not moved', () => {
    expect(moved([0.012], [0.0149])).toBe(' |');
    expect(moved([0.21], [0.24])).toBe('+14 %, was 0.21 |');
  });

  test('has nothing to compare the first time, or where there is no ratio', () => {
    expect(readTable(join(folder, 'nothing.md')).size).toBe(0);
    expect(moved([Number.NaN], [1])).toBe(' |');
    expect(moved([1], [Number.NaN])).toBe(' |');
  });
});

describe('statistics', () => {
  test('percentiles by the nearest rank', () => {
    expect([percentile([3, 1, 2], 50), percentile([1, 2], 50), percentile([5], 99)]).toEqual([2, 1, 5]);
    expect(median([4, 1, 3, 2])).toBe(2);
  });

  test('the uncertainty of a median: nothing where all are the same, more where they differ', () => {
    expect(uncertainty([2, 2, 2, 2])).toBe(0);
    expect(uncertainty([1, 2, 3, 4])).toBeCloseTo((1.57 * 2) / 2 / 2);
  });

  test('the mean difference of pairs: what disturbs both values of a pair is no error', () => {
    expect(mean([1, 2, 6])).toBe(3);
    expect(meanDifference([11, 52], [1, 42])).toEqual({ value: 10, error: 0 });
    const { value, error } = meanDifference([2, 4], [1, 1]);
    expect([value, error]).toEqual([2, expect.closeTo(1.96)]);
  });
});
