import { describe, expect, test } from 'vitest';
import type { Properties } from '../../../src/systemd/properties.ts';
import { obstacleTo, resultFrom, stateFrom, type UnitState } from '../../../src/systemd/restart.ts';
import type { UnitRestart } from '../../../src/systemd/shelter.ts';

const restart: UnitRestart = {
  unit: { unit: 'nightly.service', manager: { kind: 'system' }, user: undefined },
  certain: true,
  because: 'PrivateTmp=yes',
  invocation: 'a1',
  enabled: true,
};
const ENDED: Properties = {
  ActiveState: 'inactive',
  SubState: 'dead',
  MainPID: '0',
  LoadState: 'loaded',
  UnitFileState: 'enabled',
  InvocationID: 'a1',
  Result: 'success',
  InactiveExitTimestampMonotonic: '100000000',
  StateChangeTimestampMonotonic: '105000000',
  StartLimitIntervalUSec: '10000000',
  StartLimitBurst: '3',
  StartLimitAction: 'none',
};
/** Milliseconds: ten seconds after the unit has begun, five after it has ended. */
const NOW = 110_000;

/** By the limit of its starts, for so many milliseconds. */
const held = (retryAfterMs: number): UnitState => ({
  kind: 'held',
  because: 'one more start of nightly.service could reach its start limit (StartLimitBurst=3)',
  retryAfterMs,
});

describe('a unit after its run', () => {
  const state = (changes: Properties, from = restart) =>
    stateFrom(from, { ...ENDED, ...changes }, NOW, (pid) => pid === 10);

  test.each<[string, Properties]>([
    ['ended', {}],
    ['ended', { ActiveState: 'failed', SubState: 'failed', Result: 'exit-code' }],
    // Its timer has run it once more.
    ['ended', { InvocationID: 'b2' }],
    ['going', { ActiveState: 'active', SubState: 'running', MainPID: '10' }],
    // RemainAfterExit=yes: /tmp is still there.
    ['going', { ActiveState: 'active', SubState: 'exited' }],
    ['changing', { ActiveState: 'active', SubState: 'running', MainPID: '11' }],
    ['changing', { ActiveState: 'activating', SubState: 'start', MainPID: '10' }],
    ['changing', { ActiveState: 'deactivating', SubState: 'stop-post' }],
    ['restarted', { ActiveState: 'activating', SubState: 'start', MainPID: '10', InvocationID: 'b2' }],
    ['restarted', { ActiveState: 'active', SubState: 'running', MainPID: '10', InvocationID: 'b2' }],
  ])('is %s: %j (only pid 10 lives)', (kind, properties) => {
    expect(state(properties)).toEqual({ kind });
  });

  test.each<[RegExp, Properties]>([
    [/nightly\.service is masked$/, { LoadState: 'masked' }],
    [/nightly\.service has been disabled$/, { UnitFileState: 'disabled' }],
    [/stays active after its end/, { ActiveState: 'active', SubState: 'exited', InvocationID: 'b2' }],
  ])('is held: %s', (because, properties) => {
    expect(state(properties)).toEqual({
      kind: 'held',
      because: expect.stringMatching(because),
      retryAfterMs: 5000,
    });
  });

  test('that was not enabled then is not held because it is not enabled now', () => {
    expect(state({ UnitFileState: 'disabled' }, { ...restart, enabled: false }).kind).toBe('ended');
  });

  test('whose start limit is reached is held until the interval is surely over, or somebody has reset it', () => {
    const hit = { ActiveState: 'failed', SubState: 'failed', Result: 'start-limit-hit' };
    expect(state(hit)).toEqual({
      kind: 'held',
      because: 'systemd has reached the start limit of nightly.service (StartLimitBurst=3)',
      retryAfterMs: 5000,
    });
    expect(state({ ...hit, StartLimitIntervalUSec: '18446744073709551615' })).toMatchObject({
      retryAfterMs: 5000,
    });
    expect(state({ ...hit, StateChangeTimestampMonotonic: '99000000' }).kind).toBe('ended');
  });

  test('is started so seldom that its start limit is never reached', () => {
    const limit = { StartLimitIntervalUSec: '30000000' };
    expect(state(limit)).toEqual(held(1000)); // 11 s after the last start
    expect(state({ ...limit, InactiveExitTimestampMonotonic: '98000000' }).kind).toBe('ended');
    expect(state({ ...limit, InactiveExitTimestampMonotonic: '0' }).kind).toBe('ended');
    expect(state({ ...limit, StartLimitBurst: '0' }).kind).toBe('ended');
  });

  test.each<[string, readonly number[], UnitState]>([
    ['one', [99_000], { kind: 'ended' }],
    ['one, seen twice', [99_000, 100_000.3], { kind: 'ended' }],
    ['two, one of them long ago', [90_000, 99_000], { kind: 'ended' }],
    ['two', [98_500, 99_000], held(620)],
    ['three', [98_000, 98_500, 99_000], held(620)],
  ])(
    'is not started while it has had as many starts as its limit allows, before the last one: %s',
    (_, starts, expected) => {
      const properties = { ...ENDED, StartLimitIntervalUSec: '12000000' };
      expect(stateFrom(restart, properties, NOW, () => false, { starts })).toEqual(expected);
    },
  );

  describe('whose run was broken off', () => {
    const brokenOff = (changes: Properties) =>
      stateFrom(restart, { ...ENDED, ...changes }, NOW, () => false, { brokenOff: true });

    test.each<Properties>([
      { Result: 'success' },
      { ActiveState: 'failed', Result: 'exit-code', ExecMainStatus: '1' },
      { ActiveState: 'failed', Result: 'signal', ExecMainStatus: '15' },
    ])('was stopped, and is held until somebody starts it: %j', (changes) => {
      expect(brokenOff(changes)).toEqual({
        kind: 'held',
        because: 'nightly.service was stopped: the rerun waits until it is started',
        retryAfterMs: 5000,
      });
      expect(brokenOff({ ...changes, InvocationID: 'b2' }).kind).toBe('ended');
    });

    test.each<Properties>([
      { Result: 'timeout' },
      { Result: 'oom-kill' },
      { Result: 'signal', ExecMainStatus: '9' },
      // By timeout(1), also where the unit counts that as success.
      { Result: 'exit-code', ExecMainStatus: '124' },
      { Result: 'exit-code', ExecMainStatus: '137' },
      { Result: 'success', ExecMainStatus: '124' },
    ])('was not stopped, and can be started: %j', (changes) => {
      expect(brokenOff({ ActiveState: 'failed', ...changes }).kind).toBe('ended');
    });
  });

  test('that the site wants to be started is waited for while its main process ends', () => {
    const going = { ActiveState: 'active', SubState: 'running', MainPID: '10' };
    expect(state(going, { ...restart, wanted: true }).kind).toBe('changing');
  });
});

describe('a start of a unit', () => {
  const result = (changes: Properties, before: Properties = ENDED) =>
    resultFrom(restart, before, { ...ENDED, ...changes }, NOW);

  test.each<[string, Properties]>([
    ['begun', { ActiveState: 'activating', InvocationID: 'b2' }],
    ['begun, and failed', { ActiveState: 'failed', InvocationID: 'b2', Result: 'exit-code' }],
  ])('has %s', (_, changes) => {
    expect(result(changes)).toEqual({ kind: 'started', invocation: 'b2', at: 100_000 });
  });

  test.each<[string, Properties]>([
    ['there is no nightly.service any more', { LoadState: 'not-found' }],
    ['nightly.service is transient', { Transient: 'yes' }],
    ['nightly.service has RefuseManualStart=yes', { RefuseManualStart: 'yes' }],
    ['nightly.service has StartLimitAction=reboot', { StartLimitAction: 'reboot' }],
  ])('is not asked for: %s', (because, changes) => {
    expect(obstacleTo(restart, { ...ENDED, ...changes }, NOW)).toEqual({ kind: 'refused', because });
  });

  test('is asked for where nothing is in the way, and later where something may pass', () => {
    expect(obstacleTo(restart, ENDED, NOW)).toBeUndefined();
    expect(obstacleTo(restart, { ...ENDED, LoadState: 'masked' }, NOW)).toMatchObject({ kind: 'held' });
  });

  test('that is queued is not known yet', () => {
    expect(result({ Job: '17' })).toBeUndefined();
  });

  test('that reached the limit is held', () => {
    expect(result({ ActiveState: 'failed', Result: 'start-limit-hit' })).toMatchObject({ kind: 'held' });
  });

  test.each<[RegExp, Properties]>([
    [/conditions is not met/, { ConditionResult: 'no' }],
    [/assertions is not met/, { AssertResult: 'no' }],
    [/systemctl status nightly\.service/, {}],
  ])('is refused: %s', (because, changes) => {
    expect(result(changes)).toEqual({ kind: 'refused', because: expect.stringMatching(because) });
  });

  test('of a unit that is forgotten already has no name', () => {
    expect(result({ InvocationID: '' })).toEqual({ kind: 'started', invocation: undefined, at: 100_000 });
  });
});
