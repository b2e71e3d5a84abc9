import { expect, test } from 'vitest';
import { byInterval } from '../../../bench/fleet/interval.ts';

test.each([
  ['a host alone', [5], { seconds: 5, runs: 1 }],
  // The first host learns of the other one at its second run, acts on it at its third one, and is answered at its fourth one.
  ['two hosts', [0, 10], { seconds: 5410, runs: 8 }],
  ['four hosts, one of them a minute late', [0, 3, 8, 60], { seconds: 7200, runs: 17 }],
  ['four hosts at odd times of the half hour', [0, 450, 900, 1350], { seconds: 7200, runs: 17 }],
])('%s', (_, offsets, expected) => {
  expect(byInterval(offsets, 1800)).toEqual(expected);
});
