import { describe, expect, test } from 'vitest';
import { whyNot, withOrigin } from '../../../src/foreground/command.ts';
import { inheritedDescriptors, inheritedLimit, inheritedSignals } from '../../../src/foreground/origin.ts';

const [HUP, INT, QUIT, PIPE, TERM, TSTP] = [1, 2, 3, 13, 15, 20];
const set = (...signals: number[]) => signals.reduce((all, signal) => all | (1n << BigInt(signal - 1)), 0n);

describe('signals that were ignored', () => {
  test.each([
    ['nothing', { byParent: set(), parent: 'bash', starter: '', own: set(PIPE) }, []],
    ["a shell's trap", { byParent: set(HUP, PIPE), parent: 'sh', starter: '', own: set(PIPE) }, [HUP, PIPE]],
    [
      "an interactive shell's own",
      { byParent: set(QUIT, TERM, TSTP, 21, 22), parent: '-bash', starter: '', own: set() },
      [],
    ],
    ['a trap for Ctrl-C', { byParent: set(INT), parent: 'dash', starter: '', own: set() }, [INT]],
    [
      "another program's own",
      { byParent: set(PIPE, HUP), parent: 'python3', starter: '', own: set(PIPE) },
      [],
    ],
    [
      'nohup, which has become this process',
      { byParent: set(), parent: 'bash', starter: 'nohup', own: set() },
      [HUP],
    ],
    [
      'real-time signals',
      { byParent: set(), parent: 'systemd', starter: '', own: set(PIPE, 34, 40) },
      [34, 40],
    ],
  ])('%s', (_, seen, ignored) => {
    expect(inheritedSignals(seen)).toEqual(ignored);
  });
});

test.each([
  [
    { soft: 4096, hard: 4096 },
    { soft: 1024, hard: 4096 },
    { soft: 1024, hard: 4096 },
  ],
  [{ soft: 4096, hard: 4096 }, { soft: 4096, hard: 4096 }, undefined],
  // It was lowered in between.
  [{ soft: 512, hard: 512 }, { soft: 1024, hard: 4096 }, undefined],
  [undefined, { soft: 1024, hard: 4096 }, undefined],
])('the limit %j, with that of the parent %j, was %j', (mine, parents, was) => {
  expect(inheritedLimit(mine, parents)).toEqual(was);
});

test('descriptors of Node itself are left out', () => {
  const open = [
    [0, '/dev/pts/0'],
    [1, 'pipe:[1]'],
    [2, 'pipe:[1]'],
    [3, 'anon_inode:[eventpoll]'],
    [4, 'pipe:[7]'],
    [5, 'pipe:[7]'],
    [6, 'pipe:[9]'],
    [7, '/srv/lock'],
    [8, 'socket:[3]'],
    [20, '/dev/null'],
  ] as const;
  expect(inheritedDescriptors(open.map(([number, target]) => ({ number, target })))).toEqual([6, 7, 8]);
});

test('/dev/null is handed on where the parent has it under the same number', () => {
  const open = [3, 20].map((number) => ({ number, target: '/dev/null' }));
  expect(inheritedDescriptors(open, [{ number: 3, target: '/dev/null' }])).toEqual([3]);
});

test.each([
  ['exec 3>&1', [1, 3]],
  ['the jobserver of make', [3, 4]],
])('two descriptors of one pipe are handed on: %s', (_, numbers) => {
  const open = numbers.map((number) => ({ number, target: 'pipe:[7]' }));
  expect(inheritedDescriptors(open, open)).toEqual(numbers.filter((number) => number > 2));
});

describe('a command', () => {
  const command = ['puppet', 'apply', 'x.pp'];
  test.each([
    [{ ignored: [], openFiles: undefined }, command],
    [
      { ignored: [1, 13], openFiles: { soft: 1024, hard: 4096 } },
      [
        '/bin/sh',
        '-c',
        `ulimit -Sn 1024 2>/dev/null; command trap '' 1 13 2>/dev/null; exec "$@"`,
        'sh',
        ...command,
      ],
    ],
    [
      { ignored: [], openFiles: { soft: undefined, hard: undefined } },
      ['/bin/sh', '-c', 'ulimit -Sn unlimited 2>/dev/null; exec "$@"', 'sh', ...command],
    ],
  ])('with %j', (origin, words) => {
    expect(withOrigin(command, { ...origin, descriptors: [] })).toEqual(words);
  });

  test.each([
    ['sh', undefined],
    ['/bin/sh', undefined],
    ['no-such-command', 127],
    ['/no/such/command', 127],
    ['/etc/passwd', 126],
    ['/etc', 126],
    ['', 126],
  ])('%j can be started: %s', (name, code) => {
    expect(whyNot(name, '/usr/bin:/bin')?.code).toBe(code);
  });
});
