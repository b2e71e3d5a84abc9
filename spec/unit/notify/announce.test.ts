import { expect, test } from 'vitest';
import { announce } from '../../../src/notify/announce.ts';
import { fromText } from '../../../src/os/bytes.ts';
import type { Awaited } from '../../../src/schedule/condition.ts';
import type { Entry } from '../../../src/schedule/entry.ts';
import type { NamedUnit } from '../../../src/state/records.ts';
import { parseSettings } from '../../../src/state/settings.ts';
import { goingEntry } from '../schedule/entries.ts';

const command = {
  mode: 'agent' as const,
  executable: fromText('/usr/bin/ruby3.1'),
  argv: ['/usr/bin/ruby', '/usr/bin/puppet', 'agent', '-t'].map(fromText),
  directory: fromText('/'),
  user: 0,
};
const settings = parseSettings(
  JSON.stringify({ puppet_version: '7.23.0', burst: 10, max_delay: 1800, limit: null, splay: 0 }),
  'again.json',
);
const log = '/var/lib/puppet/tmp/common/again/state/logs/x.log';

const awaited: Awaited = {
  id: 'c0ffee',
  what: '/dev/x exists',
  interval: 5000,
  timeout: 1_800_000,
  onTimeout: 'run',
  splay: 0,
};

const line = (changes: Partial<Entry>, restart?: NamedUnit, burst = settings.burst) =>
  announce({
    command,
    entry: goingEntry(changes),
    settings: { ...settings, burst },
    waiter: 4800,
    output: log,
    restart,
    caveats: [],
  });

test.each<[string, Partial<Entry>, string]>([
  ["Exec['again']", {}, 'as soon as this run (pid 4711) has ended'],
  ['a delta', { name: 'n', delta: 120, wait: 120_000 }, '120 s after this run (pid 4711) has ended'],
  [
    'a delta and a splay: rounded seconds',
    { delta: 5, wait: 7600 },
    '8 s after this run (pid 4711) has ended',
  ],
  [
    'a delta from now',
    { delta: 5, wait: 5000, startTimerNow: true },
    'in 5 s, but not before this run (pid 4711) has ended',
  ],
  ['no delta, from now', { startTimerNow: true }, 'when this run (pid 4711) has ended'],
  [
    'a condition',
    { name: 'w', grace: 3000, condition: awaited },
    'when this run (pid 4711) has ended and /dev/x exists, at the latest after 1800 s',
  ],
  [
    'a condition with a delta, that is dropped after its time',
    { name: 'w', wait: 5000, condition: { ...awaited, onTimeout: 'drop' } },
    'when this run (pid 4711) has ended and /dev/x exists (first look 5 s after that), unless 1800 s pass before that',
  ],
  ['a link of a chain', { link: 2 }, 'as soon as this run (pid 4711) has ended (rerun 2 in a row)'],
  [
    'the last link of the burst',
    { link: 10 },
    'as soon as this run (pid 4711) has ended (rerun 10 in a row)',
  ],
  [
    'a link that backs off',
    { link: 11, wait: 30_000 },
    '30 s after this run (pid 4711) has ended (rerun 11 in a row, backing off: the first 10 ran at their due time)',
  ],
])('%s', (_, changes, when) => {
  expect(line(changes)).toBe(`Will run \`puppet agent -t\` again ${when}; waiter pid 4800, output to ${log}`);
});

test.each([
  [1, '(backing off: burst is 0)'],
  [2, '(rerun 2 in a row, backing off: burst is 0)'],
])('without a burst, link %d backs off', (link, why) => {
  expect(line({ link, wait: 30_000 }, undefined, 0)).toContain(
    `again 30 s after this run (pid 4711) has ended ${why}; waiter pid 4800`,
  );
});

test.each<[string, Partial<NamedUnit>, string]>([
  [
    'wants',
    { certain: true, because: 'rerun: unit', wanted: true },
    'start x.service again as soon as this run (pid 4711) has ended; waiter pid 4800, output as that unit has it',
  ],
  [
    'has what the run needs',
    { certain: true },
    'start x.service again as soon as this run (pid 4711) has ended; waiter pid 4800, output as that unit has it (its PrivateTmp=yes ends with it, so it is started as a whole)',
  ],
  [
    'may end',
    { certain: false },
    `run \`puppet agent -t\` again as soon as this run (pid 4711) has ended, or start x.service if that has ended by then; waiter pid 4800, output to ${log}`,
  ],
  [
    'may end, and is never started again',
    { certain: false, never: 'has StartLimitAction=reboot' },
    `run \`puppet agent -t\` again as soon as this run (pid 4711) has ended, unless x.service has ended by then, since it has StartLimitAction=reboot and is never started again; waiter pid 4800, output to ${log}`,
  ],
])('a unit that %s', (_, changes, said) => {
  const restart = { unit: 'x.service', because: 'PrivateTmp=yes', certain: true };
  expect(line({}, { ...restart, ...changes })).toBe(`Will ${said}`);
});
