import { expect, test } from 'vitest';
import { createConditions } from '../../../src/foreground/conditions.ts';
import { self } from '../../../src/os/process.ts';
import type { Condition } from '../../../src/schedule/condition.ts';
import { readWordsOf } from '../../../src/wait/condition/words.ts';
import { awaitedEntry } from '../schedule/entries.ts';

const condition: Condition = {
  exists: ['/dev/x'],
  connects: [],
  succeeds: ['check', 'secret'],
  sensitive: true,
  interval: 5,
  timeout: 60,
  onTimeout: 'run',
};

test('`again status` finds the words of what is pending, and no others', () => {
  const conditions = createConditions({ met: () => {}, looked: () => {}, unstartable: () => {} });
  for (const id of ['a', 'b']) conditions.take(id, condition, self());
  const [a, b, met] = [
    awaitedEntry({ id: 'a' }),
    awaitedEntry({ id: 'b' }),
    awaitedEntry({ id: 'a', metAt: 1 }),
  ];
  conditions.show([a, b]);
  expect(readWordsOf(self())).toEqual(
    new Map([
      ['a', condition],
      ['b', condition],
    ]),
  );
  conditions.show([met, b]);
  expect(readWordsOf(self())).toEqual(new Map([['b', condition]]));
});
