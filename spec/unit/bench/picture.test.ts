import { describe, expect, test } from 'vitest';
import { drawTerminal } from '../../../bench/picture/draw.ts';
import { paceOf, runsOf, screenOf, wrap } from '../../../bench/picture/screen.ts';

const chunk = (at: number, text: string) => ({ at, text });

describe('what was seen on a terminal', () => {
  test('is lines, each from the moment of its first character', () => {
    const { lines, passing } = screenOf([chunk(0, 'on'), chunk(5, 'e\r\n\r\ntwo\r\n'), chunk(9, 'rest')]);
    expect(lines).toEqual([
      { text: 'one', at: 0 },
      { text: '', at: 5 },
      { text: 'two', at: 5 },
      { text: 'rest', at: 9 },
    ]);
    expect(passing).toEqual([]);
  });

  test('has no colours, also where a sequence comes in two parts', () => {
    const { lines } = screenOf([chunk(0, '\x1b[mNotice\x1b[0'), chunk(1, 'm: x\x1b[1;31m\r\n')]);
    expect(lines).toEqual([{ text: 'Notice: x', at: 0 }]);
  });

  test('has lines that others have taken the place of', () => {
    const { lines, passing } = screenOf([
      chunk(0, 'first\r\n'),
      chunk(1, '\r\x1b[K\x1b[?7lin 2 s\x1b[?7h'),
      chunk(2, '\r\x1b[Kin 1 s'),
      chunk(3, '\r\x1b[K'),
      chunk(4, 'second\r\n'),
    ]);
    expect(lines.map(({ text }) => text)).toEqual(['first', 'second']);
    expect(passing).toEqual([
      { text: 'in 2 s', at: 1, until: 2, row: 1 },
      { text: 'in 1 s', at: 2, until: 3, row: 1 },
    ]);
  });
});

const lines = [
  'Notice: Compiled catalog for web',
  'Notice: returns: Will run `puppet apply` again',
  'Notice: Applied catalog in 1 seconds',
  'between',
  'Notice: Compiled catalog for web',
  'Notice: Applied catalog in 1 seconds',
  'exit code 0',
].map((text, at) => ({ text, at: at * 1000 }));

test('runs are found by the first and the last words of Puppet', () => {
  expect(runsOf(lines)).toEqual([
    { first: 0, last: 2, asksForAnother: true },
    { first: 4, last: 5, asksForAnother: false },
  ]);
});

test.each([
  ['', ['']],
  ['abc', ['abc']],
  ['abcdef', ['abc', 'def']],
  ['abcd', ['abc', 'd']],
])('a line is broken where a terminal breaks it: %j', (text, rows) => {
  expect(wrap(text, 3)).toEqual(rows);
});

test('long pauses are shortened, and the order stays', () => {
  const pace = paceOf([100, 9000, 1000, 9500, 9000]);
  expect([100, 1000, 9000, 9500].map(pace)).toEqual([100, 1000, 2200, 2700]);
});

test('the picture has all lines, and hides those that have passed where nothing moves', () => {
  const passing = [{ text: 'next run in 1 s', at: 2500, until: 3000, row: 3 }];
  const svg = drawTerminal('title', '# ', 'a <b> & c', { lines, passing });
  for (const { text } of lines) expect(svg).toContain(`>${text}</text>`);
  expect(svg).toContain('a &lt;b> &amp; c');
  const [, name] = /class="m (a\d+)"[^>]*>next run in 1 s</.exec(svg) ?? [];
  expect(svg).toContain(`.${name}{opacity:0;animation:`);
  expect(svg.match(/>run \d</g)).toEqual(['>run 1<', '>run 2<']);
});
