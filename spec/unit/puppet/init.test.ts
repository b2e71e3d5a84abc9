import { expect, test } from 'vitest';
import { isInit } from '../../../src/puppet/init.ts';

test.each([
  ...['systemd', 'init', 'tini', 'tini-static', 'dumb-init', 's6-svscan', 'runit', 'runit-init', 'runsvdir'],
  ...['catatonit', 'docker-init', 'podman-init', 'openrc-init', 'finit', 'procd'],
  '(sd-stubinit)', // of systemd-nspawn --as-pid2
])('%s stays as process 1', (name) => {
  expect(isInit(name)).toBe(true);
});

test.each([
  'sh',
  'bash',
  'init.sh',
  'init-db',
  'initialize',
  'systemd-run',
  'tinit',
  'my-init',
  'puppet',
  '',
])('a container ends with %j', (name) => {
  expect(isInit(name)).toBe(false);
});
