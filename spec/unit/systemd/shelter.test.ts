import { describe, expect, test } from 'vitest';
import type { ProcessSnapshot } from '../../../src/os/process.ts';
import type { Run } from '../../../src/puppet/run.ts';
import type { UnitOfProcess } from '../../../src/systemd/cgroup.ts';
import { clearsSessionsOf, type SessionSettings } from '../../../src/systemd/logind.ts';
import { parseProperties, parseSpan, privateSurroundings } from '../../../src/systemd/properties.ts';
import {
  caveatFor,
  type Ends,
  scopeFor,
  surroundingsOfService,
  whyNotUnit,
} from '../../../src/systemd/shelter.ts';

/** The answer of systemd 252 for a plain oneshot service, for some of the properties that are asked for. */
const PLAIN = parseProperties(`Type=oneshot
RemainAfterExit=no
MainPID=812
ControlPID=0
Slice=system.slice
RootEphemeral=no
DynamicUser=no
RuntimeDirectoryPreserve=no
RuntimeDirectory=
PrivateTmp=no
KillMode=control-group
InvocationID=0123456789abcdef0123456789abcdef
UnitFileState=static
Transient=no
RefuseManualStart=no
`);

const RUN = 4711;
const ROOT = 0;
const ALICE = 1000;
const BOB = 1001;

const NEVER = { atEnd: false, whenIdle: false };
const AT_END = { atEnd: true, whenIdle: false };
const WHEN_IDLE = { atEnd: false, whenIdle: true };

const system = (unit: string, user?: number): UnitOfProcess => ({ unit, manager: { kind: 'system' }, user });
const below = (user: number, unit: string): UnitOfProcess => ({
  unit,
  manager: { kind: 'user', user },
  user,
});
const nightly = system('nightly.service');

describe('a process', () => {
  const needs = (own: UnitOfProcess, user: number, ends: Partial<Ends> = {}) =>
    scopeFor(own, user, { properties: undefined, cleared: NEVER, lingers: false, ...ends });
  const kills = (changes: Record<string, string> = {}) => ({ properties: { ...PLAIN, ...changes } });

  test('in a service that kills what is left at its end needs a scope, in the slice of the service', () => {
    expect(needs(nightly, ROOT, kills({ Slice: 'batch.slice' }))).toEqual({
      manager: { kind: 'system' },
      slice: 'batch.slice',
      because: 'nightly.service has KillMode=control-group',
    });
    expect(needs(nightly, ROOT, kills({ KillMode: 'mixed' }))).toBeDefined();
    expect(needs(nightly, ALICE, kills())?.manager).toEqual({ kind: 'system' });
  });

  test.each(['process', 'none'])('in a service with KillMode=%s needs none', (mode) => {
    expect(needs(nightly, ROOT, kills({ KillMode: mode }))).toBeUndefined();
  });

  test.each(['cron.scope', 'session-3.scope', 'again-4711-0123.scope'])('in %s needs none', (unit) => {
    expect(needs(system(unit, ALICE), ROOT)).toBeUndefined();
  });

  test("in a session that is cleared needs one: root's of the system, and another user's of his own manager if that lingers", () => {
    const session = system('session-3.scope', ALICE);
    expect(needs(session, ROOT, { cleared: AT_END })).toMatchObject({
      manager: { kind: 'system' },
      slice: undefined,
      because: expect.stringContaining('session-3.scope is cleared'),
    });
    const lingering = needs(session, ALICE, { cleared: AT_END, lingers: true });
    expect(lingering?.manager).toEqual({ kind: 'user', user: ALICE });
    expect(needs(session, ALICE, { cleared: AT_END })?.manager).toEqual({ kind: 'system' });
  });

  test('in a session that may be stopped when it is idle needs one, or is told so where there is none for it', () => {
    const session = system('session-3.scope', ALICE);
    const ends = { properties: undefined, cleared: WHEN_IDLE, lingers: false };
    expect(needs(session, ROOT, ends)?.because).toMatch(/^session-3\.scope is stopped when it is idle/);
    expect(needs(session, ALICE, { ...ends, lingers: true })?.manager).toEqual({ kind: 'user', user: ALICE });
    expect(needs(session, ALICE, ends)).toBeUndefined();
    expect(caveatFor(session, ALICE, ends)).toMatch(/^unless logind stops session-3\.scope by then/);
    expect(caveatFor(session, ROOT, ends)).toBeUndefined();
  });

  test.each([
    ['app-terminal-4.scope', {}],
    ['own.service', kills({ KillMode: 'process' })],
    ['own.service', kills({ Slice: 'app.slice' })],
  ])(
    "of root's below a user's manager needs one of the system's, outside of that user's slice: %s",
    (unit, ends) => {
      expect(needs(below(ALICE, unit), ROOT, ends)).toEqual({
        manager: { kind: 'system' },
        slice: undefined,
        because: `${unit} lies below user@1000.service and ends with that`,
      });
    },
  );

  test("of a user's own below his manager needs one there, where its service kills", () => {
    expect(needs(below(ALICE, 'app-terminal-4.scope'), ALICE)).toBeUndefined();
    expect(needs(below(ALICE, 'own.service'), ALICE, kills({ Slice: 'app.slice' }))).toMatchObject({
      manager: { kind: 'user', user: ALICE },
      slice: 'app.slice',
    });
    expect(() => needs(below(ALICE, 'own.service'), BOB, kills())).toThrow(/only user 1000 could move it/);
  });

  test("of a user's own below a manager that does not linger ends with the last session, which is said", () => {
    const caveat = (user: number, lingers: boolean) =>
      caveatFor(below(ALICE, 'own.service'), user, { properties: undefined, cleared: NEVER, lingers });
    expect(caveat(ALICE, false)).toMatch(/^unless user 1000 has logged out by then .*enable-linger/);
    expect(caveat(ALICE, true)).toBeUndefined();
    expect(caveat(BOB, true)).toBeDefined();
    expect(caveat(ROOT, false)).toBeUndefined();
    expect(caveatFor(nightly, ALICE, { properties: PLAIN, cleared: NEVER, lingers: false })).toBeUndefined();
  });
});

describe('the sessions of a user', () => {
  const settings: SessionSettings = { killsUserProcesses: true, onlyUsers: [], exceptUsers: [] };
  test.each<[string, string, Partial<SessionSettings>, boolean]>([
    ['are left alone by default', 'alice', { killsUserProcesses: false }, false],
    ['are cleared with KillUserProcesses=yes', 'alice', {}, true],
    ['not those of an exception', 'alice', { exceptUsers: ['root', 'alice'] }, false],
    ["also for root's processes in them", 'alice', { exceptUsers: ['root'] }, true],
    ['those of KillOnlyUsers= alone', 'alice', { onlyUsers: ['bob'] }, false],
    [
      'those of KillOnlyUsers= in any case',
      'alice',
      { killsUserProcesses: false, onlyUsers: ['alice'] },
      true,
    ],
    ['not those of both lists', 'alice', { onlyUsers: ['alice'], exceptUsers: ['alice'] }, false],
  ])('%s', (_, user, changes, expected) => {
    expect(clearsSessionsOf(user, { ...settings, ...changes })).toBe(expected);
  });
});

describe('the service of a run', () => {
  const run = (mode: Run['mode']) => ({ mode, process: { pid: RUN, start: 1 } }) as Run;
  const found = (
    changes: Record<string, string> = {},
    mode: Run['mode'] = 'apply',
    environment: string[] = [],
    { unit = nightly, user = ROOT } = {},
  ) => surroundingsOfService(unit, { ...PLAIN, ...changes }, run(mode), environment, user);

  test('with nothing of its own is not started again', () => {
    expect(found()).toEqual({ restart: undefined, isMain: false });
  });

  test.each([
    [{ PrivateTmp: 'yes' }, 'PrivateTmp=yes'],
    [{ PrivateTmp: 'disconnected' }, 'PrivateTmp=disconnected'],
    [{ DynamicUser: 'yes' }, 'DynamicUser=yes'],
    [{ RuntimeDirectory: 'nightly' }, 'RuntimeDirectory=nightly'],
    [{ RootEphemeral: 'yes' }, 'RootEphemeral=yes'],
  ])('is started again as a whole where what it has ends with it: %j', (changes, because) => {
    expect(found(changes).restart).toEqual({
      unit: nightly,
      certain: true,
      because,
      invocation: '0123456789abcdef0123456789abcdef',
      enabled: false,
    });
    expect(found({ ...changes, UnitFileState: 'enabled-runtime' }).restart?.enabled).toBe(true);
  });

  test('with credentials, too; only its environment tells', () => {
    const { restart } = found({}, 'apply', [
      'HOME=/root',
      'CREDENTIALS_DIRECTORY=/run/credentials/nightly.service',
    ]);
    expect(restart?.because).toBe('$CREDENTIALS_DIRECTORY');
  });

  test('that may go on after the run, or stays active, is not sure to be started', () => {
    expect(found({ PrivateTmp: 'yes', Type: 'simple' }).restart?.certain).toBe(false);
    expect(found({ PrivateTmp: 'yes', Type: 'simple', MainPID: String(RUN) }).restart?.certain).toBe(true);
    expect(found({ PrivateTmp: 'yes', RemainAfterExit: 'yes' }).restart?.certain).toBe(false);
    // Its ExecStartPre=, after which it begins.
    const before = { Type: 'simple', MainPID: '0', ControlPID: String(RUN) };
    expect(found({ PrivateTmp: 'yes', ...before }).restart?.certain).toBe(false);
  });

  test("that is an agent daemon's outlives its runs, with all that is private to it", () => {
    expect(found({ PrivateTmp: 'yes', KillMode: 'process' }, 'daemon').restart).toBeUndefined();
  });

  test.each<[Record<string, string>, string]>([
    [{ Transient: 'yes' }, 'it is transient: leave that setting out, or make a unit file'],
    [{ RefuseManualStart: 'yes' }, 'it has RefuseManualStart=yes: leave one of the two settings out'],
    ...['reboot', 'reboot-force', 'poweroff', 'exit', 'soft-reboot'].map(
      (action): [Record<string, string>, string] => [
        { StartLimitAction: action },
        `it has StartLimitAction=${action}: leave one of the two settings out`,
      ],
    ),
  ])(
    'that surely takes what it has with it, and can never be started again, is refused: %j',
    (changes, since) => {
      expect(() => found({ PrivateTmp: 'yes', ...changes })).toThrow(
        `the PrivateTmp=yes of nightly.service ends with this run, and the unit cannot be started again, since ${since}`,
      );
      expect(found(changes).restart).toBeUndefined();
      expect(found({ PrivateTmp: 'yes', Type: 'simple', ...changes }).restart?.certain).toBe(false);
    },
  );

  test('that takes what it has with it, and that its user may not start, is refused', () => {
    expect(() => found({ PrivateTmp: 'yes' }, 'apply', [], { user: ALICE })).toThrow(
      /cannot be started again, since it may be started by root alone: leave that setting out$/,
    );
    expect(found({ PrivateTmp: 'yes', Type: 'simple' }, 'apply', [], { user: ALICE }).restart?.never).toBe(
      'may be started by root alone',
    );
    const own = below(ALICE, 'own.service');
    expect(found({ PrivateTmp: 'yes' }, 'apply', [], { unit: own, user: ALICE }).restart?.certain).toBe(true);
  });

  test('that is being stopped is not started again by a run of its ExecStop= or ExecStopPost=', () => {
    const stopping = { PrivateTmp: 'yes', ActiveState: 'deactivating', ControlPID: String(RUN) };
    for (const changes of [{}, { Type: 'simple', MainPID: '0' }, { RemainAfterExit: 'yes' }])
      expect(() => found({ ...stopping, ...changes })).toThrow(
        /cannot be started again, since it is being stopped: leave that setting out$/,
      );
    // The main process itself, which is being ended: its rerun is held.
    const ended = { PrivateTmp: 'yes', ActiveState: 'deactivating', MainPID: String(RUN) };
    expect(found(ended).restart?.certain).toBe(true);
  });

  test('that ends all processes of its own namespace is refused', () => {
    expect(() => found({ PrivatePIDs: 'yes' })).toThrow(/PrivatePIDs=yes, so nothing .* can outlive it/);
    expect(found({ PrivatePIDs: 'yes', Type: 'simple' })).toBeDefined();
  });

  test.each([
    ['its main process', { MainPID: String(RUN) }, true],
    ['its ExecStartPre= or ExecStartPost=', { ControlPID: String(RUN) }, false],
    ['a child of that', {}, false],
  ])('knows the run: %s', (_, changes, expected) => {
    expect(found(changes).isMain).toBe(expected);
  });
});

test('a runtime directory that is kept is no reason', () => {
  expect(privateSurroundings({ RuntimeDirectory: 'x', RuntimeDirectoryPreserve: 'yes' }, [])).toBeUndefined();
});

test.each([
  ['10000000', 10_000],
  ['10s', 10_000],
  ['1min 30s', 90_000],
  ['1h', 3_600_000],
  ['500ms', 500],
  ['0', 0],
  ['', 0],
  [undefined, 0],
  ['infinity', Number.POSITIVE_INFINITY],
  ['18446744073709551615', Number.POSITIVE_INFINITY],
])('a span of %j has %d ms', (text, expected) => {
  expect(parseSpan(text)).toBe(expected);
});

describe('`rerun: unit`', () => {
  const run = {
    mode: 'agent',
    process: { pid: RUN, start: 1 },
    argv: ['ruby', '/usr/bin/puppet', 'agent', '-t'],
    prefix: 3,
  } as unknown as Run;
  const snapshot = (pid: number, ...argv: string[]) =>
    ({ id: { pid, start: 1 }, argv }) as unknown as ProcessSnapshot;
  /** From the caller of the helper upwards. */
  const ancestry = [
    snapshot(5000, '/bin/sh', 'notify'),
    snapshot(RUN, 'ruby', '/usr/bin/puppet', 'agent', '-t'),
    snapshot(900, 'timeout', '600', '/usr/bin/puppet', 'agent', '-t'),
    snapshot(812, '/usr/bin/flock', '/run/l', 'timeout', '600', '/usr/bin/puppet', 'agent', '-t'),
    snapshot(1, '/sbin/init'),
  ];
  const why = (
    changes: Record<string, string>,
    { of = run, unit = nightly, above = ancestry, lingers = false, user = ROOT } = {},
  ) => whyNotUnit(unit, { ...PLAIN, MainPID: String(RUN), ...changes }, of, above, { user, lingers });

  test('starts a service whose main process is the run, or a wrapper that ends with it', () => {
    expect(why({})).toBeUndefined();
    expect(why({ MainPID: '812' })).toBeUndefined();
    expect(why({ StartLimitAction: 'none' })).toBeUndefined();
    expect(why({}, { unit: below(ALICE, 'mine.service'), lingers: true, user: ALICE })).toBeUndefined();
    expect(why({ Restart: 'on-failure' })).toBeUndefined();
  });

  test.each<[Record<string, string>, string]>([
    [{ RemainAfterExit: 'yes' }, 'nightly.service has RemainAfterExit=yes'],
    [{ Restart: 'always' }, 'nightly.service has Restart=always'],
    [{ Restart: 'on-success' }, 'nightly.service has Restart=on-success'],
    [{ RefuseManualStart: 'yes' }, 'nightly.service has RefuseManualStart=yes'],
    [{ StartLimitAction: 'reboot' }, 'nightly.service has StartLimitAction=reboot'],
    [{ Transient: 'yes' }, 'nightly.service is transient'],
    [{ MainPID: '0', ControlPID: String(RUN) }, 'this run is not the main process of nightly.service'],
    [{ MainPID: '5000' }, 'this run is not the main process of nightly.service'],
  ])('repeats the command with %j', (changes, because) => {
    expect(why(changes)).toBe(because);
  });

  test('repeats the command of a service that does more', () => {
    const script = [
      ...ancestry.slice(0, 2),
      snapshot(812, '/bin/sh', '/root/bootstrap'),
      snapshot(1, 'init'),
    ];
    expect(why({ MainPID: '812' }, { above: script })).toBe(
      'nightly.service may do more than this run (pid 812)',
    );
  });

  test('repeats the command of a daemon, and of a user who does not linger, or may not start the service', () => {
    expect(why({}, { of: { ...run, mode: 'daemon' } as Run })).toBe("nightly.service is the daemon's");
    expect(why({}, { unit: below(ALICE, 'mine.service') })).toBe('user 1000 does not linger');
    expect(why({}, { user: ALICE })).toBe('nightly.service may be started by root alone');
  });
});
