import { expect, test } from 'vitest';
import { outcomeOf } from '../../../src/systemd/outcome.ts';
import type { Properties } from '../../../src/systemd/properties.ts';

const ENDED: Properties = {
  ActiveState: 'failed',
  Result: 'exit-code',
  ExecMainStatus: '4',
  InvocationID: 'a1',
  InactiveExitTimestampMonotonic: '100000000',
  InactiveEnterTimestampMonotonic: '112340000',
};

test.each<[string, Properties, ReturnType<typeof outcomeOf>]>([
  ['has ended', {}, { kind: 'ended', result: 'exit-code', exitCode: 4, seconds: 12.3 }],
  [
    'has ended well',
    { ActiveState: 'inactive', Result: 'success', ExecMainStatus: '0' },
    { kind: 'ended', result: 'success', exitCode: 0, seconds: 12.3 },
  ],
  [
    'stays active after its end',
    {
      ...{ ActiveState: 'active', SubState: 'exited', Result: 'success', ExecMainStatus: '0' },
      StateChangeTimestampMonotonic: '105000000',
    },
    { kind: 'ended', result: 'success', exitCode: 0, seconds: 5 },
  ],
  ['goes on', { ActiveState: 'activating' }, { kind: 'going' }],
  ['runs its ExecStopPost=', { ActiveState: 'deactivating' }, { kind: 'going' }],
  ['was started again', { InvocationID: 'b2' }, undefined],
  ['is forgotten', { InvocationID: '' }, undefined],
])('a unit that %s', (_, changes, outcome) => {
  expect(outcomeOf({ ...ENDED, ...changes }, 'a1')).toEqual(outcome);
});
