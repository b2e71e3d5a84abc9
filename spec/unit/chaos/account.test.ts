import { describe, expect, test } from 'vitest';
import { account, type Evidence } from '../../chaos/real/account.ts';

/** A run of 100 that asks for `a` at 20 with a delta of 1 s (20 ms), and again at 40 with 8 s (160 ms): due at 260. */
const run = [
  '0 100 start apply run 6',
  '0 100 begin apply',
  '20 100 asks a',
  '30 100 asked a 0 1',
  '40 100 asks a',
  '50 100 asked a 0 8',
  '100 100 end',
];

/** The rerun by waiter 200. */
function rerun(at: number): { events: string[]; journal: string[] } {
  return {
    events: [`${at + 20} 200 start apply rerun 6`, `${at + 20} 200 begin apply`, `${at + 40} 200 end`],
    journal: [`${at} 200 last look`, `${at} 200 looked`, `${at + 10} 200 started: a: runs puppet apply`],
  };
}

function evidence(changes: Partial<Evidence>): Evidence {
  return {
    events: run,
    journal: [],
    history: [{ id: '1', pid: 200, names: ['a'], failure: null }],
    signalled: new Map(),
    exits: new Map(),
    hurried: [],
    holds: [],
    there: new Map(),
    removed: false,
    cramped: false,
    exempt: new Set(),
    unseen: new Set(),
    ...changes,
  };
}

describe('the account of a sequence', () => {
  const { events, journal } = rerun(260);
  const done = { events: [...run, ...events], journal };

  test('has nothing to say of a notification that was replaced by another one, and that one done when it was due', () => {
    expect(account(evidence(done))).toEqual([]);
  });

  test('sees that nothing came of one', () => {
    expect(account(evidence({ history: [] }))).toEqual([
      'a: asked for at 40 by 100, and nothing came of it; before: nothing',
    ]);
  });

  test('sees a rerun when only the one was due that had been replaced', () => {
    const early = rerun(120);
    const found = account(evidence({ events: [...run, ...early.events], journal: early.journal }));
    expect(found).toEqual(['rerun 200 of a started at 120, before it was due at 260']);
  });

  test('counts one as due whose launcher was killed, for it may have been recorded', () => {
    const early = rerun(95);
    const found = (...more: string[]) =>
      account(
        evidence({
          events: [...run.slice(0, -1), ...more, '100 100 end', ...early.events],
          journal: early.journal,
        }),
      );
    expect(found()).toEqual(['rerun 200 of a started at 95, before it was due at 260']);
    expect(found('60 100 asks a', '70 100 asked a 138 0')).toEqual([]);
    expect(found('60 100 asks a')).toEqual([]);
  });

  test('sees one that ended twice, although two were asked for', () => {
    const twice = { ...done, journal: [...journal, '400 300 satisfied: a: by the run with pid 7'] };
    expect(account(evidence(twice))).toEqual([
      'a: started at 260, and satisfied at 400, and not asked for in between',
    ]);
  });

  test('knows that one was asked for after another was taken, although that is told late', () => {
    const asks = (pid: number, at: number) => [
      ...[`${at} ${pid} start apply run 6`, `${at} ${pid} begin apply`],
      ...[`${at} ${pid} asks a`, `${at + 10} ${pid} asked a 0 0`, `${at + 20} ${pid} end`],
    ];
    const again = (pid: number, at: number) => [
      ...[`${at} ${pid} start apply rerun 6`, `${at} ${pid} begin apply`, `${at + 10} ${pid} end`],
    ];
    const looks = (pid: number, at: number) => [`${at} ${pid} last look`, `${at} ${pid} looked`];
    const found = account(
      evidence({
        events: [...asks(100, 0), ...asks(101, 100), ...again(200, 280), ...again(201, 350)],
        journal: [
          ...[...looks(200, 50), '270 200 started: a: runs puppet apply'],
          ...[...looks(201, 330), '340 201 started: a: runs puppet apply'],
        ],
        history: [200, 201].map((pid) => ({ id: `${pid}`, pid, names: ['a'], failure: null })),
      }),
    );
    expect(found.filter((line) => line.startsWith('a: '))).toEqual([]);
  });

  test('takes what the history tells of one that died on its way to Puppet, whatever was told of its name before', () => {
    const failure = 'lost: it was killed on its way to Puppet';
    const died = (journal: readonly string[]) =>
      account(
        evidence({
          history: [{ id: '1', pid: 200, names: ['a'], failure }],
          journal: [
            ...journal,
            '260 200 last look',
            '260 200 looked',
            '270 200 started: a: runs puppet apply',
          ],
        }),
      );
    expect(died([])).toEqual([]);
    expect(died(['22 150 cancelled: a'])).toEqual([]);
  });

  test.each([
    ['a cancellation', '270 200 cancelled: a: its record stays'],
    ['one that was dropped', '270 200 dropped: a: not true within 21 s'],
  ])('counts %s once whose record was told as lost', (_, first) => {
    const journal = [first, '300 300 lost: a: its waiter was killed'];
    expect(account(evidence({ history: [], journal }))).toEqual([]);
  });

  test('counts a cancellation once whose loss the next notification tells, before it is recorded itself', () => {
    const asks = (pid: number, at: number) => [
      ...[`${at} ${pid} start apply run 6`, `${at} ${pid} begin apply`],
      ...[`${at} ${pid} asks a`, `${at + 60} ${pid} asked a 0 0`, `${at + 70} ${pid} end`],
    ];
    const events = [...asks(100, 0), ...asks(101, 200), '300 400 start apply rerun 6', '300 400 begin apply'];
    const journal = (lost: number) => [
      ...['190 300 cancelled: a: its record stays', `${lost} 400 lost: a: its waiter was killed`],
      ...['290 400 last look', '290 400 looked', '295 400 started: a: runs puppet apply'],
    ];
    const found = (lost: number) =>
      account(evidence({ events: [...events, '310 400 end'], history: [], journal: journal(lost) }));
    expect(found(258)).toEqual([]);
    // One that was recorded before is another one.
    expect(found(275)).toEqual([expect.stringMatching(/^a: asked for 2 times, and ended 3 times: /)]);
  });

  test('lets `again now` hurry one that came while it was said', () => {
    const early = rerun(120);
    const seen = { events: [...run, ...early.events], journal: early.journal };
    const hurried = (from: number, until: number) =>
      account(evidence({ ...seen, hurried: [{ name: 'a', from, until }] }));
    expect(hurried(30, 110)).toEqual([]);
    expect(hurried(30, 35)).toHaveLength(1);
  });

  test('sees a rerun beside another run', () => {
    const beside = ['200 150 start apply run 6', '200 150 begin apply', '300 150 end'];
    expect(account(evidence({ ...done, events: [...run, ...beside, ...events] }))).toEqual([
      'rerun 200 started at 260 while run 150 was going from 200 to 300',
    ]);
  });
});
