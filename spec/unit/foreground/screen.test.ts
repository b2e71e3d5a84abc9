import { expect, test } from 'vitest';
import { openScreen } from '../../../src/foreground/screen.ts';

function said(isTerminal: boolean): string[] {
  const all: string[] = [];
  const screen = openScreen('x: ', isTerminal, (text) => all.push(text));
  screen.count(3, 'next run');
  screen.count(3, 'next run');
  screen.count(2, 'next run');
  screen.say('waits');
  screen.clear();
  return all;
}

test('on a terminal, a line counts and then makes room; one that is wider than the terminal ends at its edge', () => {
  const ERASE = '\r\x1b[K';
  expect(said(true)).toEqual([
    `${ERASE}\x1b[?7lx: next run in 3 s\x1b[?7h`,
    `${ERASE}\x1b[?7lx: next run in 2 s\x1b[?7h`,
    ERASE,
    'x: waits\n',
  ]);
});

test('elsewhere it is said once', () => {
  expect(said(false)).toEqual(['x: next run in 3 s\n', 'x: waits\n']);
});
