import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { PAGE, pageOf, readMeasured } from '../../../bench/page.mjs';
import { mean, meanDifference, median, percentile, uncertainty } from '../../../bench/statistics.mjs';
import { drawTable, withMoved } from '../../../bench/table.mjs';

describe('the table of benchmarks', () => {
  const row = (ratio: number, uncertainty?: number) => ({
    figure: 'time',
    what: 'again',
    value: '1 ms',
    ratio,
    uncertainty,
    budget: '<= 1.15',
  });

  /** What is said of a row that had another ratio before. */
  function moved(before: [ratio: number, uncertainty?: number], now: [ratio: number, uncertainty?: number]) {
    // As measured.json has it, in which there is no NaN.
    const last = JSON.parse(JSON.stringify([row(...before)]));
    return withMoved([row(...now)], last)[0]?.moved;
  }

  test('says nothing of what is as it was, nor of what is within five per cent', () => {
    expect(moved([1.1, 0.01], [1.1, 0.01])).toBe('');
    expect(moved([1], [1.04])).toBe('');
  });

  test('says what got worse or better by more than the noise of both', () => {
    expect(moved([1.1, 0.02], [1.43, 0.02])).toBe('+30 %, was 1.10');
    expect(moved([1], [0.5])).toBe('-50 %, was 1.00');
  });

  test('the noisier the measurements, the more they have to move', () => {
    expect(moved([1, 0.1], [1.25, 0.1])).toBe('');
    expect(moved([1, 0.1], [1.3, 0.1])).toBe('+30 %, was 1.00');
  });

  test('has nothing to compare the first time, or where there is no ratio', () => {
    expect(withMoved([row(1)], [])[0]?.moved).toBe('');
    expect(moved([Number.NaN], [1])).toBe('');
    expect(moved([1], [Number.NaN])).toBe('');
    expect(
      drawTable(withMoved([row(Number.NaN)], []))
        .split('\n')
        .at(-1),
    ).toBe('| time | again | 1 ms |  |  | <= 1.15 |  |');
  });

  test('is in docs/BENCHMARKS.md as it was measured', () => {
    expect(readFileSync(PAGE, 'utf8')).toBe(pageOf(readMeasured()));
  });

  test('stands below the day and the machine of each figure, where these differ', () => {
    const figure = (date: string, what: string) => ({
      date,
      machine: 'a machine',
      rows: [{ ...row(1), what }],
    });
    const [early, late] = [figure('2026-11-25', 'x'), figure('2026-11-28', 'y')];
    expect(pageOf({ exec: early, fact: early })).toContain('`npm run bench` on 2026-11-25: a machine.\n');
    expect(pageOf({ exec: early, latency: late, fact: early })).toContain(
      '`npm run bench`:\n\n- `exec`, `fact` on 2026-11-25: a machine\n- `latency` on 2026-11-28: a machine\n',
    );
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
