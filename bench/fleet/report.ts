import { formatDuration } from '../../src/cli/duration.ts';
import { fill, table, writePicture } from '../draw/page.ts';
import { INTERVAL, pulse } from '../simulation/scenarios.ts';
import { median } from '../statistics.mjs';
import { byInterval } from './interval.ts';
import type { Measured } from './measured.ts';
import { type Pass, totalCpu, totalRuns } from './story.ts';
import { drawTimeline } from './timeline.ts';

/** Writes what was measured into docs/FLEET.md, and the timeline beside it. */
export function reportFleet(measured: Measured): void {
  const { passes, date, machine } = measured;
  const ways = [...Map.groupBy(passes, ({ name }) => name).values()];
  fill(
    'fleet',
    [
      `Measured on ${date}: ${machine}, for the server, its database and all hosts together.`,
      '',
      table(
        [
          'reruns',
          'all configured after',
          'runs',
          'CPU: Puppet Server',
          'of that its restart',
          'PuppetDB',
          'PostgreSQL',
          'looks',
          'all',
        ],
        [...ways.map(row), intervalRow(measured)],
      ),
    ].join('\n'),
  );
  fill('pulse', pulseTable(measured));
  // One of each way: the first round.
  writePicture('fleet-timeline', drawTimeline(ways.flatMap(([first]) => first ?? [])));
}

/** The medians of the passes of one way. */
function row(passes: readonly Pass[]): string[] {
  const seconds = (of: (pass: Pass) => number) => `${median(passes.map(of)).toFixed(0)} s`;
  return [
    passes[0]?.name ?? '',
    formatDuration(median(passes.map(({ convergedAt }) => convergedAt))),
    String(median(passes.map(totalRuns))),
    seconds(({ cpu }) => cpu.puppetserver),
    seconds(({ restart }) => restart),
    seconds(({ cpu }) => cpu.puppetdb),
    seconds(({ cpu }) => cpu.postgresql),
    seconds(({ looks }) => looks?.cpu ?? 0),
    seconds(totalCpu),
  ];
}

/** By the definition of the interval. CPU time by what runs took elsewhere: Puppet Server's without that of a restart. */
function intervalRow({ passes, pulse: seen }: Measured): string[] {
  const starts = passes[0]?.hosts.map(({ startedAt }) => startedAt) ?? [];
  const { seconds, runs } = byInterval(starts, INTERVAL);
  const all = passes.reduce((sum, pass) => sum + totalRuns(pass), 0);
  const of = (service: 'puppetdb' | 'postgresql') =>
    `${((passes.reduce((sum, pass) => sum + pass.cpu[service], 0) / all) * runs).toFixed(0)} s`;
  return [
    'every 30 minutes, computed',
    formatDuration(seconds),
    String(runs),
    `${((seen.cpu / seen.runs) * runs).toFixed(0)} s`,
    '',
    of('puppetdb'),
    of('postgresql'),
    '',
    '',
  ];
}

function pulseTable({ pulse: seen, timings }: Measured): string {
  const simulated = pulse(seen.hosts, timings, seen.links, seen.cores);
  const worst = simulated.waits.reduce((longest, wait) => Math.max(longest, wait), 0);
  return table(
    ['four hosts at once, three reruns each', 'measured', 'simulated'],
    [
      ['runs', String(seen.runs), String(simulated.runs)],
      [
        'from the first run to the end of the last one',
        `${seen.seconds.toFixed(0)} s`,
        `${(simulated.lastEnd - timings.start).toFixed(0)} s`,
      ],
      ['worst wait for a JRuby instance', `${seen.worstWait.toFixed(1)} s`, `${worst.toFixed(1)} s`],
    ],
  );
}
