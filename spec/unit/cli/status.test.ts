import { expect, test } from 'vitest';
import type { Paint } from '../../../src/cli/paint.ts';
import type { Pending, PendingCondition, WaitsFor } from '../../../src/cli/pending.ts';
import { drawStatus } from '../../../src/cli/status.ts';

const plain: Paint = (_, text) => text;

const pending = (more: Partial<Pending> = {}): Pending => ({
  name: 'some-name',
  dueIn: 115,
  waitsFor: { kind: 'timer' },
  since: '2026-11-22T08:00:05.123Z',
  delta: 120,
  wait: 120,
  command: 'puppet agent --test',
  link: 1,
  chain: 'c0ffee',
  pid: 4711,
  log: '/var/lib/puppet/tmp/common/again/state/logs/20261122T080005Z-0a1b2c.log',
  ...more,
});

test('nothing', () => {
  expect(drawStatus([], plain)).toBe('Nothing is pending.\n');
});

const HOLD = {
  since: '2026-11-22T08:00:00.000Z',
  until: '2026-11-22T16:00:00.000Z',
  reason: 'kernel update',
};

test('a hold, with and without something that waits for its end', () => {
  expect(drawStatus([], plain, HOLD)).toMatchInlineSnapshot(`
    "Held until 2026-11-22 16:00:00Z: no rerun starts before.
      since      2026-11-22 08:00:00Z
      reason     kernel update
      end        \`again release\`

    Nothing is pending.
    "
  `);
  const { reason: _, ...silent } = HOLD;
  const waitsFor: WaitsFor = { kind: 'hold', ...silent };
  expect(drawStatus([pending({ dueIn: 0, waitsFor, hold: silent })], plain, silent)).toMatchInlineSnapshot(`
    "Held until 2026-11-22 16:00:00Z: no rerun starts before.
      since      2026-11-22 08:00:00Z
      end        \`again release\`

    some-name
      due        now
      waits for  the end of the hold at 2026-11-22 16:00:00Z
      since      2026-11-22 08:00:05Z
      command    puppet agent --test
      chain      rerun 1 in a row
      waiter     pid 4711
      log        /var/lib/puppet/tmp/common/again/state/logs/20261122T080005Z-0a1b2c.log
    "
  `);
});

test('a block for each', () => {
  const run: WaitsFor = { kind: 'run', pid: 4242 };
  const two = [
    pending(),
    pending({ name: "Exec['again']", dueIn: null, delta: 0, wait: 60, waitsFor: run, link: 12 }),
  ];
  expect(drawStatus(two, plain)).toMatchInlineSnapshot(`
    "some-name
      due        in 1 min 55 s
      waits for  the timer
      since      2026-11-22 08:00:05Z
      command    puppet agent --test
      chain      rerun 1 in a row
      waiter     pid 4711
      log        /var/lib/puppet/tmp/common/again/state/logs/20261122T080005Z-0a1b2c.log

    Exec['again']
      due        1 min after the run's end
      waits for  the end of the run with pid 4242
      since      2026-11-22 08:00:05Z
      command    puppet agent --test
      chain      rerun 12 in a row
      waiter     pid 4711
      log        /var/lib/puppet/tmp/common/again/state/logs/20261122T080005Z-0a1b2c.log
    "
  `);
});

test.each<[WaitsFor, string]>([
  [{ kind: 'run', pid: 4242 }, 'the end of the run with pid 4242'],
  [{ kind: 'lock', pid: 4242 }, 'another run, pid 4242'],
  [{ kind: 'timer' }, 'the timer'],
  [{ kind: 'enable' }, '`puppet agent --enable`'],
  [{ kind: 'nothing' }, 'nothing, it is starting'],
])('it waits for %j', (waitsFor, words) => {
  expect(drawStatus([pending({ waitsFor })], plain)).toContain(`waits for  ${words}\n`);
});

const condition: PendingCondition = {
  what: '/dev/x exists, and `/bin/check` succeeds',
  met: false,
  looks: 0,
  answer: null,
  lookedAgo: null,
  timeoutIn: null,
  onTimeout: 'run',
};

test.each<[string, Partial<PendingCondition>, string, string]>([
  [
    'while its run goes on',
    {},
    "after the run's end, as soon as /dev/x exists, and `/bin/check` succeeds",
    'not yet',
  ],
  [
    'after one look',
    { looks: 1, answer: '/dev/x is not there', lookedAgo: 3, timeoutIn: 1743 },
    'as soon as /dev/x exists, and `/bin/check` succeeds, at the latest in 29 min 3 s',
    'once, the last time 3 s ago: /dev/x is not there',
  ],
  [
    'that is dropped in the end',
    { looks: 12, answer: 'its command has ended with 1', lookedAgo: 0, timeoutIn: 60, onTimeout: 'drop' },
    'as soon as /dev/x exists, and `/bin/check` succeeds, or not at all after 1 min',
    '12 times, the last time 0 s ago: its command has ended with 1',
  ],
])('a condition %s', (_, changes, due, looked) => {
  const waits = pending({
    dueIn: null,
    waitsFor: { kind: 'condition' },
    condition: { ...condition, ...changes },
  });
  const drawn = drawStatus([waits], plain);
  expect(drawn).toContain(`due        ${due}\n  waits for  its condition\n  looked at  ${looked}\n`);
});

test.each([
  [0, 'now'],
  [59, 'in 59 s'],
  [600, 'in 10 min'],
  [3725, 'in 1 h 2 min'],
  [315_360_000, 'in 3650 d'],
])('due in %d seconds: %s', (dueIn, words) => {
  expect(drawStatus([pending({ dueIn })], plain)).toContain(`due        ${words}\n`);
});

test('80 columns are enough for all but the path of the log, which is one word', () => {
  const rows = drawStatus([pending({ dueIn: 8040, link: 100, pid: 4_194_304 })], plain).split('\n');
  for (const row of rows.filter((row) => !row.startsWith('  log ')))
    expect(row.length).toBeLessThanOrEqual(80);
});

test('a waiter of another version, which an update has left', () => {
  expect(drawStatus([pending({ version: '0.0.9' })], plain)).toMatch(
    /waiter +pid 4711, still version 0\.0\.9\n/,
  );
  expect(drawStatus([pending()], plain)).not.toContain('version');
});

test('output to the journal', () => {
  const journal = 'journalctl -t puppet-again _PID=4711';
  expect(drawStatus([pending({ journal })], plain)).toContain(`log        ${journal}\n`);
});

test.each<[WaitsFor, string]>([
  [{ kind: 'grace' }, 'a run that may follow the one that asked for it'],
  [{ kind: 'held', because: 'the start limit of x.service' }, 'the start limit of x.service'],
])('what else is in the way: %j', (waitsFor, words) => {
  expect(drawStatus([pending({ dueIn: 0, waitsFor })], plain)).toMatch(new RegExp(`waits for +${words}\\n`));
});
