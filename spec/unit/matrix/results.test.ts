import { describe, expect, test } from 'vitest';
import { merge, type Report } from '../../matrix/results.ts';
import { allWell, newer, versions } from './fixtures.ts';

const none = { version: '1.0.0', generations: {} };

function report(...cells: [generation: string, title: string, status: string, failure?: string][]): Report {
  const assertionResults = cells.map(([generation, title, status, failure]) => ({
    ancestorTitles: ['', generation],
    title,
    status,
    failureMessages: failure === undefined ? [] : [failure],
    meta: { versions },
  }));
  return { testResults: [{ assertionResults }] };
}

describe('results of the matrix', () => {
  test('a cell that passed is a yes, one that failed says why, and one that was not asked for is not there', () => {
    const seen = report(
      ['a', 'x', 'passed'],
      ['a', 'y', 'failed', 'Error: a | b\n  at z'],
      ['a', 'z', 'skipped'],
    );
    expect(merge(none, '1.0.0', seen)).toEqual({
      version: '1.0.0',
      generations: { a: { versions, cells: { x: 'yes', y: 'no: Error: a \\| b' } } },
    });
  });

  test('cells of an earlier run stay, until they are seen again', () => {
    const first = merge(none, '1.0.0', report(['a', 'x', 'passed'], ['a', 'y', 'passed']));
    const second = merge(first, '1.0.0', report(['a', 'y', 'failed', 'Error: b']));
    expect(second.generations.a?.cells).toEqual({ x: 'yes', y: 'no: Error: b' });
  });

  test('nothing stays of another version of the module', () => {
    expect(merge(allWell, '1.0.1', report(['a', 'x', 'passed']))).toEqual({
      version: '1.0.1',
      generations: { a: { versions, cells: { x: 'yes' } } },
    });
  });

  test('nothing stays of a generation that has other software by now', () => {
    const earlier = { version: '1.0.0', generations: { a: { versions: newer, cells: { x: 'yes' } } } };
    expect(merge(earlier, '1.0.0', report(['a', 'y', 'passed'])).generations.a?.cells).toEqual({ y: 'yes' });
  });
});
