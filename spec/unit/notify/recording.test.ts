import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  formerWaiters,
  graceAfter,
  isServed,
  linkOfRun,
  MOST_SETS_OF_FACTS,
  type Moment,
  type Notification,
  type Starter,
  setsToReplace,
  withNotification,
} from '../../../src/notify/recording.ts';
import type { Bytes } from '../../../src/os/bytes.ts';
import { here } from '../../../src/os/place.ts';
import { readStat, self } from '../../../src/os/process.ts';
import { ChainEnded } from '../../../src/os/refusal.ts';
import { version } from '../../../src/os/version.ts';
import type { Condition } from '../../../src/schedule/condition.ts';
import type { Entry } from '../../../src/schedule/entry.ts';
import { writeUnitLink } from '../../../src/state/chains.ts';
import { type CommandRecord, commandKey } from '../../../src/state/records.ts';
import type { Settings } from '../../../src/state/settings.ts';
import { keepWords } from '../../../src/wait/condition/words.ts';
import { entry, goingEntry } from '../schedule/entries.ts';
import { record } from '../state/record.ts';
import { temporaryFolder } from '../state/temporary.ts';
import { thrown } from '../thrown.ts';

const ID = 'aaaaaaaaaaaaaaaa';
const OTHER = 'bbbbbbbbbbbbbbbb';
const GRACE = 3000;
const PLACE = { machine: 'm', boot: 'b', pidNamespace: 'p' };
const NEW = { pid: 5000, start: 9 };
const RUN = { pid: 4712, start: 2 };

const settings: Settings = {
  ...{ burst: 10, maxDelay: 1800, limit: undefined, splay: 0, grace: 3 },
  ...{ puppetVersion: '8.10.0', unsupported: 'fail', logdest: 'file', rerun: 'command' },
};

/** A notification of run 4712, which began at 2000, by an agent of which these records are there. */
function notification(
  records: Readonly<Record<string, CommandRecord>> = {},
  changes: Partial<Notification> = {},
): Notification {
  const { command, chainKey, puppet } = record();
  return {
    request: { name: 'n', delta: 5, startTimerNow: false },
    run: { process: RUN } as Notification['run'],
    outer: undefined,
    ...{ command, facts: '', chainKey, link: undefined, grace: GRACE, settings },
    context: { id: ID, puppet, logdest: 'file' } as Notification['context'],
    records: new Map(Object.entries(records)),
    overwritten: records[ID],
    ...changes,
  };
}

function moment(changes: Partial<Moment> = {}): Moment {
  return {
    ...{ now: 3000, began: 2000, random: 0.5, served: false, self: NEW, former: [], place: PLACE },
    ...{ log: 'new.log', chain: 'newchain', lineage: 'newline', condition: 'c0ffee' },
    ...changes,
  };
}

/** The entry that the notification adds. */
const added = {
  ...{ name: 'n', delta: 5, startTimerNow: false, wait: 5000, link: 1, notifiedAt: 3000 },
  ...{ run: RUN, grace: GRACE },
};

describe('the record that a notification makes', () => {
  test('where nothing is pending is all its own', () => {
    const { command, chainKey, puppet } = record();
    expect(withNotification(notification(), moment())).toEqual({
      ...{ version: 2, software: version, ...PLACE, command, facts: '', waiter: NEW, run: RUN },
      ...{ grace: GRACE, chainKey, chain: 'newchain', lineage: ['newline'] },
      ...{ puppet, log: 'new.log', entries: [added] },
    });
  });

  const before = record({
    ...{ software: '0.0.9', run: RUN, grace: 700, logdest: 'journal' as const },
    entries: [entry({ name: 'n', wait: 9000 }), entry({ name: 'other', wait: 9_000_000 })],
  });

  test('of the run that its waiter serves stays with that waiter, with one entry more', () => {
    const made = withNotification(notification({ [ID]: before }), moment({ served: true }));
    const { software, waiter, grace, log, chain, logdest } = before;
    expect(made).toMatchObject({ software, waiter, grace, log, chain, logdest, run: RUN });
    expect(made.former).toBeUndefined();
    expect(made.entries).toEqual([before.entries[1], { ...added, grace: 700, log: 'new.log' }]);
  });

  test('of another run comes to this process, with all that was pending', () => {
    const former = [before.waiter];
    const made = withNotification(notification({ [ID]: before }), moment({ former }));
    expect(made).toMatchObject({ software: version, waiter: NEW, former, grace: GRACE, run: RUN });
    expect(made).toMatchObject({ log: before.log, chain: before.chain, lineage: before.lineage });
    expect(made.logdest).toBeUndefined();
    expect(made.entries).toEqual([before.entries[1], { ...added, log: 'new.log' }]);
  });

  test.each<[string, Partial<Entry>, string | undefined, boolean?]>([
    ['of the same run and the same wait: they are due together', { name: 'other' }, undefined],
    ['of these, which has a log of its own', { name: 'other', log: 'its.log' }, 'its.log'],
    ['with another wait', { name: 'other', wait: 6000 }, 'new.log'],
    ['whose timer counts from the notification', { name: 'other', startTimerNow: true }, 'new.log'],
    [
      'whose timer counts from then on, as its own does',
      { name: 'other', startTimerNow: true },
      'new.log',
      true,
    ],
    ['of another run', { name: 'other', run: { pid: 1, start: 1 } }, 'new.log'],
    ['that it replaces', { name: 'n', wait: 6000 }, undefined],
  ])('has this log for its entry beside one %s', (_, pending, log, startTimerNow = false) => {
    const found = record({ entries: [entry({ run: RUN, wait: 5000, ...pending })] });
    const request = { name: 'n', delta: 5, startTimerNow };
    const made = withNotification(notification({ [ID]: found }, { request }), moment({ served: true }));
    expect(made.log).toBe(found.log);
    expect(made.entries.at(-1)?.log).toBe(log);
  });

  test('over that of a dead waiter is all its own, but former waiters see that it has come from theirs', () => {
    const overwritten = record({ lineage: ['1', '2'] });
    const made = withNotification(notification({}, { overwritten }), moment());
    expect(made).toMatchObject({ chain: 'newchain', log: 'new.log', lineage: ['1', '2'], entries: [added] });
  });

  test('over one of version 0.1.0, which had no lineage, begins one', () => {
    const made = withNotification(notification({ [ID]: record({ lineage: [] }) }), moment());
    expect(made.lineage).toEqual(['newline']);
  });

  test('says where the output goes as its waiter will have it', () => {
    const context = { ...notification().context, logdest: 'journal' as const };
    expect(withNotification(notification({}, { context }), moment()).logdest).toBe('journal');
    const toFile = record({ run: RUN });
    const made = withNotification(notification({ [ID]: toFile }, { context }), moment({ served: true }));
    expect(made.logdest).toBeUndefined();
  });

  test('says of its place what its waiter knows of it', () => {
    const findings = { whyCommand: 'x.service is transient' };
    expect(withNotification(notification({}, { findings }), moment()).findings).toEqual(findings);
    const restart = { unit: 'x.service', certain: true, because: 'rerun: unit', wanted: true };
    const known = { [ID]: record({ run: RUN, findings: { restart } }) };
    // One that is served does not look.
    const findingsOf = (served: boolean, changes: Partial<Notification> = {}) =>
      withNotification(notification(known, changes), moment({ served })).findings;
    expect(findingsOf(true)).toEqual({ restart });
    expect(findingsOf(false)).toBeUndefined();
    expect(findingsOf(false, { findings })).toEqual(findings);
  });

  const entryOf = (changes: Partial<Notification>, at: Partial<Moment> = {}) =>
    withNotification(notification({}, changes), moment(at)).entries[0];

  test('has an entry without a grace of 0, and with the run in which its own is nested', () => {
    expect(entryOf({ grace: 0 })).not.toHaveProperty('grace');
    expect(entryOf({})).not.toHaveProperty('outer');
    const outer = { pid: 4000, start: 1 };
    expect(entryOf({ outer })).toMatchObject({ outer });
  });

  test('has the splay in the wait of a delta; that of a condition passes after it holds', () => {
    const spread = { ...settings, splay: 10 };
    expect(entryOf({ settings: spread })).toMatchObject({ wait: 10_000 });
    const request = { name: 'n', delta: 5, startTimerNow: false, condition };
    expect(entryOf({ settings: spread, request })).toMatchObject({
      wait: 5000,
      condition: { id: 'c0ffee', splay: 5000 },
    });
  });
});

describe('the link that a notification asks for, and its chain', () => {
  const own = (link: number, changes = {}) => record({ chain: 'c1', entries: [entry({ link, ...changes })] });
  const sibling = (link: number) =>
    record({ chain: 'c2', facts: 'f', entries: [entry({ link, name: 's', wait: 100 })] });
  const stranger = record({ chain: 'c3', chainKey: '/other.lock', entries: [entry({ link: 7 })] });
  const rerun = (link: number) => ({ link: { chain: 'c9', link } });

  test.each<[string, Record<string, CommandRecord>, Partial<Notification>, number, string]>([
    ['nothing is pending', {}, {}, 1, 'newchain'],
    ['the run is a rerun', {}, rerun(3), 4, 'c9'],
    ['what is pending was due when the run began', { [ID]: own(3, { wait: 1000 }) }, {}, 4, 'c1'],
    ['what is pending was due later', { [ID]: own(3, { wait: 1001 }) }, {}, 3, 'c1'],
    [
      'what is pending waits for another run',
      { [ID]: record({ entries: [goingEntry({ link: 3 })], chain: 'c1' }) },
      {},
      3,
      'c1',
    ],
    // It is not satisfied by this run.
    ['the same is due with other facts', { [OTHER]: sibling(3) }, {}, 3, 'c2'],
    ['a rerun, and the same is pending with other facts', { [OTHER]: sibling(6) }, rerun(2), 6, 'c9'],
    ['another chain is pending', { [OTHER]: stranger }, {}, 1, 'newchain'],
    [
      'an empty record of the same chain is there',
      { [ID]: record({ chain: 'c1', entries: [] }) },
      {},
      1,
      'newchain',
    ],
  ])('%s', (_, records, changes, link, chain) => {
    const made = withNotification(notification(records, changes), moment());
    expect([made.entries.at(-1)?.link, made.chain]).toEqual([link, chain]);
  });

  test('beyond the burst waits for the back-off', () => {
    const made = withNotification(notification({}, rerun(11)), moment());
    expect(made.entries[0]).toMatchObject({ link: 12, wait: 60_000 });
  });

  test('beyond the limit is refused, with both numbers', () => {
    const limited = { settings: { ...settings, limit: 3 } };
    expect(withNotification(notification({}, { ...limited, ...rerun(2) }), moment()).entries).toHaveLength(1);
    const error = thrown(() => withNotification(notification({}, { ...limited, ...rerun(3) }), moment()));
    expect(error).toBeInstanceOf(ChainEnded);
    expect((error as ChainEnded).message).toContain('this would be rerun 4, and limit is 3');
  });
});

describe('the grace after a run', () => {
  const link = { chain: 'c', link: 1 };
  const origin: Starter = { mode: 'agent', link: undefined, isOrphan: false, isMain: false };
  test.each<[string, Partial<Starter>, number]>([
    ['of an agent that somebody has started', {}, GRACE],
    ['of a `puppet apply` that somebody has started', { mode: 'apply' }, GRACE],
    ["that is a rerun of again's own", { link }, 0],
    ['of a daemon', { mode: 'daemon' }, 0],
    ['that is the main process of its service', { isMain: true }, 0],
    [
      'whose daemon was replaced: until the new one has begun its first run',
      { mode: 'daemon', isOrphan: true },
      15_000,
    ],
    ['of a replaced daemon that is in its service', { mode: 'daemon', isOrphan: true, isMain: true }, 15_000],
  ])('%s', (_, changes, expected) => {
    expect(graceAfter({ ...origin, ...changes }, GRACE)).toBe(expected);
  });
});

describe('who has been the waiter of a record that is taken over', () => {
  const [a, b] = [
    { pid: 1001, start: 1 },
    { pid: 1002, start: 1 },
  ];
  test.each<[string, CommandRecord | undefined, boolean, readonly (typeof a)[]]>([
    ['nobody, where there is none', undefined, false, []],
    ['its waiter', record({ waiter: a }), false, [a]],
    ['its waiter, also where `again cancel` has emptied it', record({ waiter: a, entries: [] }), false, [a]],
    ['those before, too', record({ waiter: a, former: [b] }), false, [b, a]],
    ['nobody, where its waiter goes on', record({ waiter: a }), true, []],
    ['only those before, where its waiter goes on', record({ waiter: a, former: [b] }), true, [b]],
  ])('%s', (_, found, served, expected) => {
    expect(formerWaiters(found, served)).toEqual(expected);
  });
});

const condition: Condition = {
  ...{ exists: ['/dev/x'], connects: [], succeeds: undefined, sensitive: false },
  ...{ interval: 5, timeout: 60, onTimeout: 'run' },
};

describe('whether a waiter serves a run', () => {
  const run = { process: RUN } as Notification['run'];
  const living = record({ ...here(), run: RUN, waiter: self() });
  test.each<[string, CommandRecord | undefined, boolean]>([
    ['there is no record', undefined, false],
    ['it is of this run', living, true],
    ['it is of another run', { ...living, run: { ...RUN, pid: 1 } }, false],
    ['it is of a run that had the same pid', { ...living, run: { ...RUN, start: 1 } }, false],
    ['its waiter is dead', { ...living, waiter: { pid: 4_194_304, start: 1 } }, false],
    ['its waiter is of another boot', { ...living, boot: PLACE.boot }, false],
    ['its waiter is in another container', { ...living, pidNamespace: 'pid:[1]' }, false],
    ['nothing of it is pending any more', { ...living, entries: [] }, true],
  ])('%s', (_, found, expected) => {
    expect(isServed(found, run, {})).toBe(expected);
  });

  test('with a condition only a waiter that has a place for its words', () => {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' });
    onTestFinished(() => void child.kill('SIGKILL'));
    const pid = child.pid as number;
    const other = record({ ...living, waiter: { pid, start: readStat(pid)?.start as number } });
    expect(isServed(other, run, {})).toBe(true);
    expect(isServed(other, run, { condition })).toBe(false);
    keepWords(new Map());
    expect(isServed(living, run, { condition })).toBe(true);
  });
});

describe('the link of a run that systemd has started for us', () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'commands'));
  const invocation = 'a'.repeat(32);
  writeUnitLink(folder, ID, invocation, { chain: 'c0ffee', link: 2 });
  const run = { source: { pid: 1, start: 1 } } as unknown as Parameters<typeof linkOfRun>[0];
  const linked = (environment: string[], ofService?: string) =>
    linkOfRun(run, environment as Bytes[], folder, ID, ofService)?.link;

  test.each<[string, string[], string | undefined, number | undefined]>([
    ['is known by $INVOCATION_ID', [`INVOCATION_ID=${invocation}`], undefined, 2],
    ['is known by systemd where sudo(8) or env(1) has taken that away', ['HOME=/root'], invocation, 2],
    ['is none for another start of the unit', [`INVOCATION_ID=${'b'.repeat(32)}`], 'b'.repeat(32), undefined],
    ['is none outside of a service', ['HOME=/root'], undefined, undefined],
  ])('%s', (_, environment, ofService, link) => {
    expect(linked(environment, ofService)).toBe(link);
  });
});

describe('the sets of FACTER variables that make room for one more', () => {
  const { command } = record();
  const key = commandKey(command);
  /** So many records of the command, of which the first one was notified last. */
  const pending = (count: number, more: Partial<CommandRecord> = {}) =>
    Array.from({ length: count }, (_, n): [string, CommandRecord] => [
      `set${n}`,
      record({ entries: [entry({ notifiedAt: 9000 - n }), entry({ notifiedAt: 1 })], ...more }),
    ]);
  const replaced = (records: [string, CommandRecord][], id = ID) =>
    setsToReplace(new Map(records), id, key).map(([one]) => one);

  test('are none while there is room', () => {
    expect(MOST_SETS_OF_FACTS).toBe(8);
    expect(replaced([])).toEqual([]);
    expect(replaced(pending(7))).toEqual([]);
  });

  test('are those whose newest request is the oldest', () => {
    expect(replaced(pending(8))).toEqual(['set7']);
    expect(replaced(pending(10))).toEqual(['set9', 'set8', 'set7']);
  });

  test('are not the one that is asked for again, nor those with nothing pending, nor of another command', () => {
    expect(replaced(pending(8), 'set7')).toEqual([]);
    expect(replaced(pending(8, { entries: [] }))).toEqual([]);
    expect(replaced(pending(8, { command: { ...command, user: 4711 } }))).toEqual([]);
  });
});
