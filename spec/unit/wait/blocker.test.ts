import { describe, expect, test } from 'vitest';
import type { Hold } from '../../../src/schedule/hold.ts';
import { type Blocker, describeBlocker, isWorthTelling, patienceOf } from '../../../src/wait/blocker.ts';

const hold: Hold = { version: 1, since: Date.UTC(2026, 0, 2, 3), until: Date.UTC(2026, 0, 2, 5) };
const run = { kind: 'run', run: { pid: 7, start: 1 }, patience: 60_000, stranger: true } as const;

describe('what keeps a rerun from starting', () => {
  test.each<[Blocker, string, number, boolean]>([
    [run, 'another run, pid 7', 60_000, true],
    [{ kind: 'disabled' }, '`puppet agent --enable`', 5000, true],
    [
      { kind: 'shutdown', at: Date.UTC(2026, 0, 2, 5), mode: 'reboot' },
      'the reboot that is scheduled for 2026-01-02T05:00:00.000Z, or `shutdown -c`',
      1000,
      true,
    ],
    [
      { kind: 'hold', hold, left: 7_200_000 },
      'the end of the hold at 2026-01-02T05:00:00Z, or `again release`',
      5000,
      true,
    ],
    [
      { kind: 'hold', hold: { ...hold, reason: 'r' }, left: 30 },
      'the end of the hold at 2026-01-02T05:00:00Z (r), or `again release`',
      30,
      true,
    ],
    [{ kind: 'unit', because: 'x.service was stopped', patience: 900 }, 'x.service was stopped', 900, true],
    [
      { kind: 'unit end', unit: 'x.service', restarted: false, patience: 700 },
      'the end of x.service',
      700,
      true,
    ],
    [
      { kind: 'unit end', unit: 'x.service', restarted: true, patience: 700 },
      'the end of x.service, which was started meanwhile',
      700,
      true,
    ],
    [{ kind: 'time', until: 1100, because: 'grace' }, 'the grace time after the run', 100, false],
    [
      { kind: 'time', until: 100_000, because: 'back-off' },
      'the back-off of its chain, of which another rerun started a short time ago',
      5000,
      true,
    ],
    [{ kind: 'turn', pid: 8 }, 'a rerun that is due longer, of waiter pid 8', 100, false],
    [{ kind: 'trouble', because: 'ENOSPC' }, 'ENOSPC', 1000, true],
  ])('%j', (blocker, words, patience, told) => {
    expect(describeBlocker(blocker)).toBe(words);
    expect(patienceOf(blocker, 1000)).toBe(patience);
    expect(isWorthTelling(blocker)).toBe(told);
  });
});
