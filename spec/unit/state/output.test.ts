import { describe, expect, test } from 'vitest';
import { splitCursor } from '../../../src/cli/log.ts';
import { describeOutput, journalWords } from '../../../src/state/output.ts';

const rerun = (startedAt: string, pid = 4711, boot = '11111111-2222-3333-4444-555555555555') => ({
  startedAt,
  pid,
  boot,
});
const MINE = rerun('2026-01-02T03:04:05.678Z');
const SINCE = Date.UTC(2026, 0, 2, 3, 4, 5) / 1000;

describe('the output of a rerun in the journal', () => {
  test.each<[string, Parameters<typeof journalWords>[1], string[]]>([
    ['of a pid that was never used again', [MINE], []],
    ['before which the pid was used', [rerun('2026-01-02T03:00:00.000Z'), MINE], []],
    [
      'after which the pid was used, twice',
      [MINE, rerun('2026-01-02T03:04:15.999Z'), rerun('2026-01-02T04:00:00.000Z')],
      [`--until=@${SINCE + 10}`],
    ],
    ['after which another pid was', [MINE, rerun('2026-01-02T03:04:15.000Z', 4712)], []],
    ['after which the machine was booted', [MINE, rerun('2026-01-02T03:04:15.000Z', 4711, 'b')], []],
  ])('%s', (_, history, until) => {
    expect(journalWords(MINE, history)).toEqual([
      ...['--quiet', '--no-pager', '--output=cat', '--identifier=puppet-again', `--since=@${SINCE}`],
      ...until,
      ...['_PID=4711', '_BOOT_ID=11111111222233334444555555555555'],
    ]);
  });

  test('for people', () => {
    const what = { pid: 4711, log: 'x.log' };
    expect(describeOutput('/s', { ...what, journal: false })).toBe('/s/logs/x.log');
    expect(describeOutput('/s', { ...what, journal: true })).toBe(
      'the journal (journalctl -t puppet-again _PID=4711)',
    );
  });
});

test.each<[string, string, string | undefined]>([
  ['', '', undefined],
  ['-- cursor: s=1;i=2\n', '', 's=1;i=2'],
  ['a\nb\n-- cursor: s=1;i=2\n', 'a\nb\n', 's=1;i=2'],
  ['-- cursor: said by Puppet\n-- cursor: s=1\n', '-- cursor: said by Puppet\n', 's=1'],
  ['a\n', 'a\n', undefined],
])('what journalctl shows, and how far that was: %j', (shown, text, last) => {
  expect(splitCursor(shown)).toEqual({ text, last });
});
