import { describe, expect, test } from 'vitest';
import {
  FIRST_NAMESPACE,
  here,
  isAsDeep,
  isHere,
  namespaceOf,
  type Place,
  whyOver,
} from '../../../src/os/place.ts';
import { allPids } from '../../../src/os/process.ts';

const host: Place = { machine: 'm', boot: 'b', pidNamespace: FIRST_NAMESPACE };
const container: Place = { ...host, pidNamespace: 'pid:[4026532000]' };
const sibling: Place = { ...host, pidNamespace: 'pid:[4026532001]' };
const [young, old] = [() => 60_000, () => 600_000];
const nobody = () => [];

describe('a place that is not this one', () => {
  test.each<[string, Place, () => number, Place, string | undefined]>([
    ['another machine, which shares the folder', { ...host, machine: 'n', boot: 'a' }, old, host, undefined],
    [
      'a container that had another machine-id',
      { ...container, machine: 'n' },
      young,
      host,
      'its container was restarted',
    ],
    ['an earlier boot', { ...host, boot: 'a' }, young, host, 'the machine was rebooted'],
    [
      'an earlier boot, from a container',
      { ...sibling, boot: 'a' },
      young,
      container,
      'the machine was rebooted',
    ],
    ['the host, from a container', host, old, container, undefined],
    ['another container, which may live', sibling, young, container, undefined],
    [
      'another container that touches nothing any more',
      sibling,
      old,
      container,
      'its container was restarted',
    ],
    ['a container without processes, from the host', container, young, host, 'its container was restarted'],
  ])('%s', (_, place, age, own, expected) => {
    expect(whyOver(place, age, nobody, own)).toBe(expected);
  });

  test('a container that lives, from the host, which sees its processes', () => {
    const namespace = namespaceOf('self') as string;
    expect(whyOver({ ...host, pidNamespace: namespace }, old, allPids, host)).toBeUndefined();
  });
});

test('this process is here, and in no other place', () => {
  expect(isHere(here())).toBe(true);
  for (const other of [{ boot: 'x' }, { pidNamespace: 'x' }])
    expect(isHere({ ...here(), ...other })).toBe(false);
  // A machine-id, or a host name, may be set while the machine is up.
  expect(isHere({ ...here(), machine: 'x' })).toBe(true);
  expect(isAsDeep(process.pid)).toBe(true);
  expect(() => isAsDeep(2 ** 22 + 1)).toThrow(/ENOENT/);
});
