import { describe, expect, test } from 'vitest';
import type { Run } from '../../../src/run/types.ts';
import type { UnitOfProcess } from '../../../src/systemd/cgroup.ts';
import { parseProperties, privateSurroundings } from '../../../src/systemd/properties.ts';
import { stateFrom } from '../../../src/systemd/restart.ts';
import { shelterFromService } from '../../../src/systemd/shelter.ts';

/** What `systemctl show` of systemd 252 says of a plain oneshot service, for the properties that are asked for. */
const PLAIN = `Type=oneshot
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
LoadCredential=[unprintable]
SetCredential=[unprintable]
`;

const unit: UnitOfProcess = { unit: 'nightly.service', manager: { kind: 'system' } };
const run = (mode: Run['mode']) => ({ mode, process: { pid: 4711, start: 1 } }) as Run;

function shelter(
  changes: Record<string, string> = {},
  mode: Run['mode'] = 'apply',
  environment: string[] = [],
) {
  return shelterFromService(unit, { ...parseProperties(PLAIN), ...changes }, run(mode), environment);
}

describe('a run in a service', () => {
  test('whose other processes systemd kills at its end needs a scope, in the slice of the service', () => {
    expect(shelter({ Slice: 'batch.slice' })).toEqual({
      scope: {
        manager: { kind: 'system' },
        slice: 'batch.slice',
        because: 'nightly.service has KillMode=control-group',
      },
      restart: undefined,
    });
    expect(shelter({ KillMode: 'mixed' }).scope).toBeDefined();
  });

  test.each(['process', 'none'])('with KillMode=%s needs none', (mode) => {
    expect(shelter({ KillMode: mode }).scope).toBeUndefined();
  });

  test.each([
    [{ PrivateTmp: 'yes' }, 'PrivateTmp=yes'],
    [{ PrivateTmp: 'disconnected' }, 'PrivateTmp=disconnected'],
    [{ DynamicUser: 'yes' }, 'DynamicUser=yes'],
    [{ RuntimeDirectory: 'nightly' }, 'RuntimeDirectory=nightly'],
    [{ RootEphemeral: 'yes' }, 'RootEphemeral=yes'],
  ])('whose surroundings end with it is started again as a whole: %j', (changes, because) => {
    expect(shelter(changes).restart).toEqual({ unit, certain: true, because });
  });

  test('with credentials, too; only its environment tells', () => {
    const { restart } = shelter({}, 'apply', [
      'HOME=/root',
      'CREDENTIALS_DIRECTORY=/run/credentials/nightly.service',
    ]);
    expect(restart?.because).toBe('$CREDENTIALS_DIRECTORY');
  });

  test('that may go on after the run, as its main process is another one, is not sure to be started', () => {
    expect(shelter({ PrivateTmp: 'yes', Type: 'simple' }).restart?.certain).toBe(false);
    expect(shelter({ PrivateTmp: 'yes', Type: 'simple', MainPID: '4711' }).restart?.certain).toBe(true);
  });

  test("that is an agent daemon's outlives its runs, with all that is private to it", () => {
    expect(shelter({ PrivateTmp: 'yes', KillMode: 'process' }, 'daemon')).toEqual({
      scope: undefined,
      restart: undefined,
    });
  });
});

test('a runtime directory that is kept is no reason', () => {
  expect(privateSurroundings({ RuntimeDirectory: 'x', RuntimeDirectoryPreserve: 'yes' }, [])).toBeUndefined();
});

test.each([
  ['ended', { ActiveState: 'inactive', SubState: 'dead', MainPID: '0' }],
  ['ended', { ActiveState: 'failed', SubState: 'failed', MainPID: '0' }],
  ['ended', { ActiveState: 'active', SubState: 'exited', MainPID: '0' }],
  ['going', { ActiveState: 'active', SubState: 'running', MainPID: '10' }],
  ['changing', { ActiveState: 'active', SubState: 'running', MainPID: '11' }],
  ['changing', { ActiveState: 'activating', SubState: 'start', MainPID: '10' }],
  ['changing', { ActiveState: 'deactivating', SubState: 'stop-post', MainPID: '0' }],
])('a unit is %s after its run: %j (only pid 10 lives)', (state, properties) => {
  expect(stateFrom(properties, (pid) => pid === 10)).toBe(state);
});
