import { describe, expect, test } from 'vitest';
import { hidesUnit, parseUnit, type UnitOfProcess } from '../../../src/systemd/cgroup.ts';

const system = (unit: string, user?: number): UnitOfProcess => ({ unit, manager: { kind: 'system' }, user });
const ofUser = (unit: string, user: number): UnitOfProcess => ({
  unit,
  manager: { kind: 'user', user },
  user,
});

describe('the unit of a process, by /proc/PID/cgroup', () => {
  test.each<[string, string, UnitOfProcess | undefined]>([
    ['a service', '0::/system.slice/puppet.service\n', system('puppet.service')],
    [
      'a service in a slice of its own',
      '0::/a.slice/a-b.slice/puppet-run.service\n',
      system('puppet-run.service'),
    ],
    ['an instance', '0::/system.slice/system-puppet.slice/puppet@x.service\n', system('puppet@x.service')],
    ['a sub-cgroup of a service', '0::/system.slice/puppet.service/inner\n', system('puppet.service')],
    ['a login session', '0::/user.slice/user-1000.slice/session-3.scope\n', system('session-3.scope', 1000)],
    [
      "a unit of a user's own manager",
      '0::/user.slice/user-1000.slice/user@1000.service/app.slice/puppet.service\n',
      ofUser('puppet.service', 1000),
    ],
    [
      "a user's manager itself",
      '0::/user.slice/user-1000.slice/user@1000.service/init.scope\n',
      ofUser('init.scope', 1000),
    ],
    ['cgroups v1', '12:cpu,cpuacct:/\n1:name=systemd:/system.slice/cron.service\n', system('cron.service')],
    [
      'hybrid',
      '1:name=systemd:/system.slice/cron.service\n0::/system.slice/cron.service\n',
      system('cron.service'),
    ],
    ['a name that cgroupfs would misread', '0::/system.slice/_cpu.service\n', system('cpu.service')],
    [
      'a terminal of a desktop',
      '0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-terminal-4.scope\n',
      ofUser('app-terminal-4.scope', 1000),
    ],
    ['a unit outside of a cgroup namespace', '0::/../again-12-0123.scope\n', system('again-12-0123.scope')],
    ['a slice alone', '0::/user.slice\n', undefined],
    ['a container without systemd', '0::/\n', undefined],
    ["Docker's folder", '0::/docker/0123456789abcdef\n', undefined],
    ['nothing', '', undefined],
    ['rubbish', 'x\n::\n', undefined],
  ])('%s', (_, cgroup, expected) => {
    expect(parseUnit(cgroup)).toEqual(expected);
  });
});

test.each([
  ['0::/\n', true],
  ['1:name=systemd:/\n0::/\n', true],
  ['12:cpu:/x\n1:name=systemd:/\n', true],
  ['', true],
  ['0::/system.slice\n', false],
  ['0::/docker/0123\n', false],
  ['1:name=systemd:/lxc/box\n0::/\n', false],
])('%j hides where the process lies: %s', (cgroup, expected) => {
  expect(hidesUnit(cgroup)).toBe(expected);
});
