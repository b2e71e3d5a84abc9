import { describe, expect, test } from 'vitest';
import { holdsReruns, parseScheduled } from '../../../src/systemd/shutdown.ts';

/** The file that logind writes for `shutdown -r +1`. */
const REBOOT = 'USEC=1764101520000000\nWARN_WALL=1\nMODE=reboot\nUID=0\nTTY=pts/0\n';
const AT = 1_764_101_520_000;
const MINUTE = 60_000;

describe('a scheduled shutdown', () => {
  test.each<[string, string, object | undefined]>([
    ['a reboot', REBOOT, { at: AT, mode: 'reboot' }],
    ['with a message', `${REBOOT}WALL_MESSAGE=MODE=halt\\nUSEC=1\n`, { at: AT, mode: 'reboot' }],
    ['in quotes', 'USEC="1764101520000000"\nMODE="poweroff"\n', { at: AT, mode: 'poweroff' }],
    ['a trial', 'USEC=1764101520000000\nMODE=dry-reboot\n', undefined],
    ['without a time', 'MODE=reboot\n', undefined],
    ['without a mode', 'USEC=1764101520000000\n', undefined],
    ['rubbish', 'USEC=soon\nMODE=reboot\n', undefined],
    ['an empty file', '', undefined],
  ])('%s', (_, text, expected) => {
    expect(parseScheduled(text)).toEqual(expected);
  });

  test.each<[string, number, boolean]>([
    ['hours away', 180 * MINUTE, false],
    ['15 minutes away', 15 * MINUTE, false],
    ['less than 15 minutes away', 15 * MINUTE - 1, true],
    ['a minute away', MINUTE, true],
    ['going on', -MINUTE, true],
    ['long past, so that its file was left behind', -5 * MINUTE, false],
  ])('%s', (_, left, expected) => {
    expect(holdsReruns({ at: AT, mode: 'reboot' }, AT - left)).toBe(expected);
  });

  test('that is none holds nothing', () => {
    expect(holdsReruns(undefined, AT)).toBe(false);
  });
});
