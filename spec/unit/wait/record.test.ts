import { describe, expect, test } from 'vitest';
import { here } from '../../../src/os/place.ts';
import { self } from '../../../src/os/process.ts';
import { merged, withEntriesOf } from '../../../src/wait/record.ts';
import { entry } from '../schedule/entries.ts';
import { record } from '../state/record.ts';

describe('what two waiters hold, together', () => {
  const [a, b, c, newerA] = [
    entry({ name: 'a' }),
    entry({ name: 'b' }),
    entry({ name: 'c' }),
    entry({ name: 'a', wait: 9 }),
  ];
  test.each<[string, ReturnType<typeof entry>[], ReturnType<typeof entry>[], ReturnType<typeof entry>[]]>([
    ['nothing', [], [], []],
    ['one of them nothing', [a], [], [a]],
    ['the other one nothing', [], [a], [a]],
    ['different names', [a, b], [c], [a, b, c]],
    ['the same name: the newer one', [a, b], [newerA], [b, newerA]],
    ["Exec['again'] in both", [entry(), a], [entry({ wait: 1 })], [a, entry({ wait: 1 })]],
  ])('%s', (_, older, newer, expected) => {
    expect(merged(older, newer)).toEqual(expected);
  });
});

describe('what a waiter holds whose record was removed, and another record is there', () => {
  const [a, b] = [entry({ name: 'a' }), entry({ name: 'b' })];
  const living = self();
  const dead = { pid: 4_194_304, start: 1 };
  const known = record({ waiter: { pid: 4800, start: 123 }, log: '1.log', lineage: ['1'], entries: [a] });

  test('is as it was, where there is none', () => {
    expect(withEntriesOf(undefined, known)).toBe(known);
  });

  test('goes to its waiter, with the log that was announced for it', () => {
    const other = record({ ...here(), waiter: living, lineage: ['2'], log: '2.log', entries: [b] });
    const entries = [{ ...a, log: '1.log' }, b];
    expect(withEntriesOf(other, known)).toEqual({ ...other, lineage: ['1', '2'], entries });
  });

  test('stays here with what that one holds, where its waiter is dead', () => {
    const other = record({ ...here(), waiter: dead, lineage: ['2'], log: '2.log', entries: [b] });
    const entries = [a, { ...b, log: '2.log' }];
    expect(withEntriesOf(other, known)).toEqual({ ...known, lineage: ['1', '2'], entries });
  });

  test('stays here, where all of that one has been done and only a former waiter has not seen it', () => {
    const other = record({ ...here(), waiter: living, former: [living], lineage: ['2'], entries: [] });
    const lineage = ['1', '2'];
    expect(withEntriesOf(other, known)).toEqual({ ...known, lineage, former: [living], entries: [a] });
  });
});
