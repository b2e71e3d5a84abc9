import { formatDuration } from '../../src/people/duration.ts';
import { fill, table, writePicture } from '../draw/page.ts';
import { pulse } from '../simulation/scenarios.ts';
import type { Converged } from './interval.ts';
import type { Measured } from './measured.ts';
import { type Pass, totalCpu, totalRuns } from './story.ts';
import { drawTimeline } from './timeline.ts';

/** Writes what was measured into docs/FLEET.md, and the timeline beside it. */
export function reportFleet(measured: Measured, byInterval: Converged): void {
  const { passes, date, machine } = measured;
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
          'PuppetDB',
          'PostgreSQL',
          'all, per run',
        ],
        [...passes.map(row), intervalRow(byInterval, passes)],
      ),
    ].join('\n'),
  );
  fill('pulse', pulseTable(measured));
  writePicture('fleet-timeline', drawTimeline(passes));
}

function row(pass: Pass): string[] {
  const { puppetserver, puppetdb, postgresql } = pass.cpu;
  return [
    `\`${pass.name}\``.replace(/^`a (.*)`$/, 'a $1'),
    formatDuration(pass.convergedAt),
    String(totalRuns(pass)),
    ...[puppetserver, puppetdb, postgresql].map((seconds) => `${seconds.toFixed(0)} s`),
    `${(totalCpu(pass.cpu) / totalRuns(pass)).toFixed(1)} s`,
  ];
}

/** By the definition of the interval; CPU time by what a run of the passes took. */
function intervalRow({ seconds, runs }: Converged, passes: readonly Pass[]): string[] {
  const all = passes.reduce((sum, pass) => sum + totalRuns(pass), 0);
  const of = (service: keyof Pass['cpu']) =>
    `${((passes.reduce((sum, pass) => sum + pass.cpu[service], 0) / all) * runs).toFixed(0)} s`;
  return [
    'every 30 minutes, computed',
    formatDuration(seconds),
    String(runs),
    of('puppetserver'),
    of('puppetdb'),
    of('postgresql'),
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
