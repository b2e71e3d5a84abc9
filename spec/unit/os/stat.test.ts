import { describe, expect, test } from 'vitest';
import { hasEnded, parseStat } from '../../../src/os/stat.ts';

const line = (name: string, state = 'S') =>
  `4711 (${name}) ${state} 17 4711 4712 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 987654 5 6`;

describe('/proc/PID/stat', () => {
  test.each([
    ['an ordinary name', 'ruby'],
    ['a name with a space', 'puppet agent: a'],
    ['a name with parentheses', '(sd-pam)'],
    ['a name that looks like the fields after it', ') Z 1 1'],
    ['an empty name', ''],
    ['a name with a newline', 'a\nb'],
    ['a name of odd bytes', '\xff\xfe'],
  ])('%s', (_, name) => {
    expect(parseStat(line(name))).toEqual({
      parent: 17,
      group: 4711,
      session: 4712,
      foreground: -1,
      state: 'S',
      start: 987654,
    });
  });

  test.each([
    ['nothing', ''],
    ['a line without a name', '4711 ruby S 17'],
    ['a line that ends early', '4711 (ruby) S 17 4711'],
    ['a parent that is no number', line('ruby').replace(' 17 ', ' x ')],
    ['a session that is no number', line('ruby').replace(' 4712 ', ' x ')],
    ['a start time that is no number', line('ruby').replace('987654', 'soon')],
  ])('%s is not understood', (_, text) => {
    expect(parseStat(text)).toBeUndefined();
  });

  test.each([
    ['R', false],
    ['S', false],
    ['D', false],
    ['T', false],
    ['t', false],
    ['I', false],
    ['Z', true],
    ['X', true],
    ['x', true],
  ])('a process in state %s has ended: %s', (state, ended) => {
    expect(hasEnded(parseStat(line('ruby', state)))).toBe(ended);
  });

  test('a process that is not there has ended', () => {
    expect(hasEnded(undefined)).toBe(true);
  });
});
