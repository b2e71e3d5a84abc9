import fc from 'fast-check';
import type { Bytes } from '../../../src/os/bytes.ts';
import type { ProcessId } from '../../../src/os/process.ts';
import type { ChainRules } from '../../../src/schedule/chain.ts';
import type { Awaited } from '../../../src/schedule/condition.ts';
import { type Entry, isSameEntry } from '../../../src/schedule/entry.ts';

/** Any bytes but those of `without`. */
export function bytes(without = '', constraints: fc.StringConstraints = {}): fc.Arbitrary<Bytes> {
  const unit = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
  const allowed = unit.filter((character) => !without.includes(character));
  return fc.string({ unit: allowed, ...constraints }) as fc.Arbitrary<Bytes>;
}

/** The content of an argument or a variable: anything without NUL. */
export const item = bytes('\0');

/** Words of a Puppet command line, usual and unusual ones. */
export const word: fc.Arbitrary<Bytes> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.constantFrom(
      ...([
        '--test',
        '-t',
        '-tv',
        '--onetime',
        '--no-daemonize',
        '--splay',
        '--no-splay',
        '--noop',
        '--job-id',
        '--job-id=7',
        '--job_id=x',
        '--waitforlock',
        '0',
        '5m',
        '--maxwaitforlock=1',
        '--tags',
        'a,b',
        '--',
        '-',
        '-e',
        '-ecode',
        '--server=x',
        'site.pp',
        '--disable',
        '/dev/stdin',
        '',
        'puppet',
        'agent',
        'apply',
        '--catalog',
      ] as Bytes[]),
    ),
  },
  { weight: 1, arbitrary: item },
);

export const processId: fc.Arbitrary<ProcessId> = fc.record({
  pid: fc.integer({ min: 1, max: 6 }),
  start: fc.integer({ min: 0, max: 3 }),
});

const time = fc.integer({ min: 0, max: 1e12 });
const name = fc.constantFrom('a', 'b', 'c', '', '__proto__', 'prüfung');

export const entry: fc.Arbitrary<Entry> = fc
  .record({
    name: fc.option(name, { nil: undefined }),
    delta: fc.integer({ min: 0, max: 315_360_000 }),
    startTimerNow: fc.boolean(),
    wait: fc.integer({ min: 0, max: 315_360_000_000 }),
    link: fc.integer({ min: 1, max: 100_000 }),
    notifiedAt: time,
    run: processId,
    runEndedAt: fc.option(time, { nil: undefined }),
  })
  .map(({ name, runEndedAt, ...rest }) => ({
    ...(name === undefined ? {} : { name }),
    ...rest,
    ...(runEndedAt === undefined ? {} : { runEndedAt }),
  }));

/** Entries as a record has them: one of each name. */
export const entries = fc.uniqueArray(entry, { selector: (one) => one.name, maxLength: 7 });

const awaited: fc.Arbitrary<Awaited> = fc
  .record({
    id: fc.stringMatching(/^[0-9a-f]{8}$/),
    what: fc.constant('/dev/x exists'),
    interval: fc.integer({ min: 1000, max: 3_600_000 }),
    timeout: fc.integer({ min: 1000, max: 315_360_000_000 }),
    onTimeout: fc.constantFrom('run' as const, 'drop' as const),
    splay: fc.integer({ min: 0, max: 86_400_000 }),
    metAt: fc.option(time, { nil: undefined }),
  })
  .map(({ metAt, ...rest }) => ({ ...rest, ...(metAt === undefined ? {} : { metAt }) }));

/** Deltas and whens as a record has them: one of each name and kind. */
export const mixedEntries = fc.uniqueArray(
  fc.oneof(
    entry,
    fc.tuple(entry, awaited).map(([one, condition]) => ({ ...one, startTimerNow: false, condition })),
  ),
  { comparator: isSameEntry, maxLength: 7 },
);

export const rules: fc.Arbitrary<ChainRules> = fc.record({
  burst: fc.integer({ min: 0, max: 1000 }),
  maxDelay: fc.integer({ min: 30, max: 86_400 }),
  limit: fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined }),
});
