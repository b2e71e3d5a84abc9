import { describe, expect, test } from 'vitest';
import { merged } from '../../../src/wait/record.ts';
import { entry } from '../schedule/entries.ts';

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
