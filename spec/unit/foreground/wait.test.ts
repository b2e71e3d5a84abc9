import { expect, test } from 'vitest';
import { createEvents, type Look } from '../../../src/foreground/wait.ts';
import { bootId } from '../../../src/os/clock.ts';
import type { PastRerun } from '../../../src/state/history.ts';

const rerun = (id: string, more: Partial<PastRerun> = {}): PastRerun => ({
  version: 1,
  id,
  boot: bootId(),
  startedAt: '2026-01-02T03:04:05.000Z',
  pid: 4711,
  start: 1,
  command: 'puppet apply site.pp',
  names: ['later'],
  chain: 'c0ffee',
  link: 1,
  unit: null,
  failure: null,
  reportFile: '/nowhere',
  ...more,
});

const look = (more: Partial<Look>): Look => ({
  now: 0,
  pending: [],
  current: [],
  unit: undefined,
  foreground: [],
  past: [],
  hold: undefined,
  ...more,
});

/** What is said of these looks, one after the other, without the place of the output. */
function said(...looks: Partial<Look>[]): string[] {
  const lines: string[] = [];
  const events = createEvents('/state', (line) => lines.push(line.replace(/, output .*/, '')));
  for (const one of looks) events.note(look(one), []);
  return lines;
}

const changed = { outcome: { status: 'changed', seconds: 1 } };
const started = 'rerun of `puppet apply site.pp` has started (later), pid 4711';
const ended = 'rerun of `puppet apply site.pp` has ended: changed';

test('a rerun that is going at first, and one that begins later, are told with their ends', () => {
  const first = rerun('a');
  const current = [{ pid: 4711, start: 1 }];
  expect(said({ past: [first], current }, { past: [rerun('a', changed)] })).toEqual([started, ended]);
  expect(said({ past: [] }, { past: [first], current }, { past: [rerun('a', changed)] })).toEqual([
    started,
    ended,
  ]);
});

test('one that is not remembered yet when it is first seen is told as soon as it is', () => {
  const current = [{ pid: 4711, start: 1 }];
  expect(said({ current }, { past: [rerun('a')], current })).toEqual([started]);
});

test('of the starts of a unit only the one that is going is told', () => {
  const unit = { unit: 'puppet-run.service' };
  const past = [rerun('a', { ...unit, ...changed }), rerun('b', unit), rerun('c', unit)];
  const lines = said({ past, unit: 'c' }, { past: past.with(2, rerun('c', { ...unit, ...changed })) });
  expect(lines).toEqual([started, ended]);
});

test.each([
  ['of another start', {}, [{ pid: 4711, start: 2 }]],
  ['of another boot', { boot: 'another' }, [{ pid: 4711, start: 1 }]],
  ['of a rerun whose end is known', changed, [{ pid: 4711, start: 1 }]],
])('a process with the pid of a former rerun, %s, is not that', (_, more, current) => {
  expect(said({ past: [rerun('a', more)], current })).toEqual([]);
});

test('one that was never started is told so, and not that it has started', () => {
  const failure = 'lost: its waiter was killed';
  const line = 'rerun of `puppet apply site.pp` (later): not run: lost: its waiter was killed';
  const past = [rerun('a', { failure })];
  expect(said({}, { past }, { past })).toEqual([line]);
});

test('one that was started, and of which Puppet then takes no run, has ended', () => {
  const past = [rerun('a', { failure: 'skipped by Puppet: disabled' })];
  const current = [{ pid: 4711, start: 1 }];
  expect(said({ past: [rerun('a')], current }, { past })).toEqual([
    started,
    'rerun of `puppet apply site.pp` has ended: not run: skipped by Puppet: disabled',
  ]);
});
