import { expect, test } from 'vitest';
import { drawHistory, pastOf } from '../../../src/cli/history.ts';
import type { Paint } from '../../../src/cli/paint.ts';
import { past, runaway } from './past.ts';

const plain: Paint = (_, text) => text;
const tagged: Paint = (style, text) => `<${style}>${text}</>`;

test('nothing yet', () => {
  expect(drawHistory([], plain)).toBe('No rerun yet.\n');
});

test('one rerun has no line of time', () => {
  expect(drawHistory([past(1, 0)], plain)).toMatchInlineSnapshot(`
    "puppet agent --test
        #1 2026-11-22 08:00:05Z       4 s  changed  20261122T080005Z-0a1b2c
    "
  `);
});

test('a chain that backs off is seen', () => {
  expect(drawHistory(runaway(16), plain)).toMatchInlineSnapshot(`
    "puppet agent --test
      46─●─●───●───────●──────────────●──────────────────────────────● 32 min 45 s
        #1 2026-11-22 08:00:05Z       4 s  changed  20261122T080005Z-0a1b2c
        #2 2026-11-22 08:00:10Z       4 s  changed  20261122T080010Z-0a1b2c
        #3 2026-11-22 08:00:15Z       4 s  changed  20261122T080015Z-0a1b2c
        #4 2026-11-22 08:00:20Z       4 s  changed  20261122T080020Z-0a1b2c
        #5 2026-11-22 08:00:25Z       4 s  changed  20261122T080025Z-0a1b2c
        #6 2026-11-22 08:00:30Z       4 s  changed  20261122T080030Z-0a1b2c
        #7 2026-11-22 08:00:35Z       4 s  changed  20261122T080035Z-0a1b2c
        #8 2026-11-22 08:00:40Z       4 s  changed  20261122T080040Z-0a1b2c
        #9 2026-11-22 08:00:45Z       4 s  changed  20261122T080045Z-0a1b2c
       #10 2026-11-22 08:00:50Z       4 s  changed  20261122T080050Z-0a1b2c
       #11 2026-11-22 08:01:25Z       4 s  changed  20261122T080125Z-0a1b2c
       #12 2026-11-22 08:02:30Z       4 s  changed  20261122T080230Z-0a1b2c
       #13 2026-11-22 08:04:35Z       4 s  changed  20261122T080435Z-0a1b2c
       #14 2026-11-22 08:08:40Z       4 s  changed  20261122T080840Z-0a1b2c
       #15 2026-11-22 08:16:45Z       4 s  changed  20261122T081645Z-0a1b2c
       #16 2026-11-22 08:32:50Z       4 s  changed  20261122T083250Z-0a1b2c
    "
  `);
});

test('each chain has a block of its own, and every result its colour', () => {
  const two = [
    past(1, 0),
    past(1, 60, { chain: 'beef', command: "puppet apply 'a b.pp'", result: 'failed', duration: 125 }),
    past(2, 120, { result: 'unchanged', duration: 0.4 }),
    past(2, 3700, {
      chain: 'beef',
      command: "puppet apply 'a b.pp'",
      result: 'not run: the manifest is gone',
      duration: null,
    }),
    past(3, 7200, { result: 'unknown', duration: null }),
    past(4, 86_400, { result: 'running', duration: null }),
  ];
  expect(drawHistory(two, tagged)).toMatchInlineSnapshot(`
    "<bold>puppet agent --test</>
      2────●─────────────────────────────────────────────────────────● 1 d
        #1 2026-11-22 08:00:05Z       4 s  <green>changed</>  <dim>20261122T080005Z-0a1b2c</>
        #2 2026-11-22 08:02:05Z       1 s  <green>unchanged</>  <dim>20261122T080205Z-0a1b2c</>
        #3 2026-11-22 10:00:05Z            <dim>unknown</>  <dim>20261122T100005Z-0a1b2c</>
        #4 2026-11-23 08:00:05Z            <yellow>running</>  <dim>20261123T080005Z-0a1b2c</>

    <bold>puppet apply 'a b.pp'</>
      ×──────────────────────────────────────────────────────────────× 1 h
        #1 2026-11-22 08:01:05Z 2 min 5 s  <red>failed</>  <dim>20261122T080105Z-0a1b2c</>
        #2 2026-11-22 09:01:45Z            <red>not run: the manifest is gone</>  <dim>20261122T090145Z-0a1b2c</>
    "
  `);
});

test('80 columns are enough, up to the longest link, duration and result', () => {
  const wide = [
    past(1, 0, { duration: 3599 }),
    past(100, 90_000_000, { duration: 7_199, result: 'unchanged' }),
  ];
  for (const line of drawHistory(wide, plain).split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
});

test.each<[string, Parameters<typeof pastOf>[0]['outcome'], string | null, boolean, string, number | null]>([
  ["Puppet's own word", { status: 'failed', seconds: 3.1 }, null, false, 'failed', 3.1],
  ['that it goes on', undefined, null, true, 'running', null],
  ['that nobody saw it', undefined, null, false, 'unknown', null],
  ['why it never was', undefined, 'no such file', false, 'not run: no such file', null],
])('the result is %s', (_, outcome, failure, running, result, duration) => {
  const rerun = {
    version: 1,
    id: '20261122T080005Z-0a1b2c',
    boot: 'b',
    startedAt: '2026-11-22T08:00:05.000Z',
    pid: 4711,
    start: 1,
    command: 'puppet agent --test',
    names: [null, 'later'],
    chain: 'c0ffee',
    link: 1,
    unit: null,
    failure,
    reportFile: '/r',
    ...(outcome ? { outcome } : {}),
  } as const;
  expect(pastOf(rerun, running, '/x.log')).toMatchObject({
    result,
    duration,
    names: ["Exec['again']", 'later'],
  });
});
