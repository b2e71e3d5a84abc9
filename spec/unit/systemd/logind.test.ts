import { expect, test } from 'vitest';
import { BusError } from '../../../src/systemd/bus.ts';
import type { Value } from '../../../src/systemd/dbus-values.ts';
import { stopsIdleSessions } from '../../../src/systemd/logind.ts';

const failing = (name: string) => () => Promise.reject(new BusError(name, 'no'));

test.each<[string, () => Promise<Value>, boolean]>([
  ['after an hour', async () => 3_600_000_000n, true],
  ['after a microsecond', async () => 1n, true],
  ['never', async () => 18_446_744_073_709_551_615n, false],
  ['not before systemd 252', failing('org.freedesktop.DBus.Error.UnknownProperty'), false],
])('logind stops sessions that are idle: %s', async (_, ask, expected) => {
  expect(await stopsIdleSessions(ask)).toBe(expected);
});

test('where logind does not answer, that is no answer', async () => {
  await expect(stopsIdleSessions(failing('org.freedesktop.DBus.Error.NoReply'))).rejects.toThrow('no');
});
