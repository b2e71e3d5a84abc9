import { formatDuration } from '../../src/cli/duration.ts';
import { fill, table, writePicture } from '../draw/page.ts';
import { LOOK_INTERVAL, type Measured } from '../fleet/measured.ts';
import { totalRuns } from '../fleet/story.ts';
import { drawChart } from './chart.ts';
import { type Outcome, type RunTimings, SAMPLE } from './fleet.ts';
import {
  AWAY,
  busyShare,
  DEFAULTS,
  INTERVAL,
  instancesFor,
  limitsOfLooks,
  looks,
  PATIENCE,
  PULSE_AT,
  sameMinute,
  serverAway,
  serverTime,
} from './scenarios.ts';

const HOSTS = 10_000;

/** The part of the time for which ordinary runs keep the server of the plot busy. */
const SHARE = 0.5;

/** Seconds before the pulse with which the plot begins. */
const BEFORE = 180;

const COLOURS = ['#b3382c', '#e3a32b', '#3f7fc1', '#2c9a57', '#7a5195'];

/** Simulates large fleets with what was measured, and writes figures and picture of docs/FLEET.md. */
export function reportSimulation(measured: Measured): void {
  const { timings } = measured;
  const instances = instancesFor(HOSTS, timings, SHARE);
  const splays = [0, 60, 300, 900, INTERVAL];
  const outcomes = splays.map((splay) => sameMinute(HOSTS, timings, instances, splay));
  fill(
    'splay',
    [
      `${HOSTS.toLocaleString('en')} hosts, ${instances} JRuby instances, which their ordinary runs keep ${busyShare(HOSTS, timings, instances)} busy; a run keeps one busy for ${serverTime(timings).toFixed(2)} s, in ${timings.requests.length} requests.`,
      '',
      table(
        [
          '`splay`',
          'longest queue',
          'worst wait of a request',
          'median wait',
          'last host done after',
          'runs in 70 minutes',
        ],
        outcomes.map((outcome, index) => [`${splays[index]} s`, ...figures(outcome)]),
      ),
    ].join('\n'),
  );
  fill('busy', busyTable(timings));
  fill('limit', limitTable(timings));
  fill('away', awayTable(timings));
  fill('looks', looksTable(measured));
  const title = `${HOSTS.toLocaleString('en')} hosts get a catalog that asks for a rerun in the same minute`;
  writePicture(
    'fleet-splay',
    drawChart({
      title,
      subtitle: `${instances} JRuby instances, ${busyShare(HOSTS, timings, instances)} busy with ordinary runs; a line for each splay`,
      series: outcomes.map(({ queue }, index) => ({
        label: `splay ${splays[index]} s${splays[index] === DEFAULTS.splay ? ' (default)' : ''}`,
        colour: COLOURS[index] ?? '#222',
        values: queue.slice((PULSE_AT - BEFORE) / SAMPLE, (PULSE_AT + INTERVAL + 600) / SAMPLE),
      })),
      offset: BEFORE / 60,
      step: SAMPLE / 60,
      xLabel: 'minutes since the first of these catalogs',
      yLabel: "requests in the server's queue",
    }),
  );
}

function figures({ longestQueue, waits, lastEnd, runs }: Outcome): string[] {
  const sorted = waits.toSorted((a, b) => a - b);
  return [
    longestQueue.toLocaleString('en'),
    formatDuration(sorted.at(-1) ?? 0),
    formatDuration(sorted[Math.floor(sorted.length / 2)] ?? 0),
    formatDuration(lastEnd - PULSE_AT),
    runs.toLocaleString('en'),
  ];
}

function busyTable(timings: RunTimings): string {
  const shares = [0.1, 0.25, 0.5, 0.75, 0.95];
  const numbers = new Set(shares.map((share) => instancesFor(HOSTS, timings, share)));
  const rows = [...numbers].map((instances) => {
    const { waits, lastEnd } = sameMinute(HOSTS, timings, instances, 0);
    const tooLong = waits.filter((wait) => wait > PATIENCE).length;
    const worst = waits.reduce((longest, wait) => Math.max(longest, wait), 0);
    return [
      busyShare(HOSTS, timings, instances),
      String(instances),
      formatDuration(worst),
      formatDuration(lastEnd - PULSE_AT),
      tooLong === 0 ? 'none' : tooLong.toLocaleString('en'),
    ];
  });
  return table(
    [
      'busy',
      'instances',
      'worst wait of a request',
      'last host done after',
      'requests that wait over 10 min',
    ],
    rows,
  );
}

function limitTable(timings: RunTimings): string {
  const instances = instancesFor(HOSTS, timings, SHARE);
  const cases = [
    [undefined, 0],
    [{ queued: 150, retryDelay: 1800 }, 0],
    [{ queued: 150, retryDelay: 300 }, 0],
    [{ queued: 1000, retryDelay: 1800 }, 0],
    [undefined, INTERVAL],
    [{ queued: 150, retryDelay: 1800 }, INTERVAL],
  ] as const;
  const rows = cases.map(([limit, splay]) => {
    const outcome = sameMinute(HOSTS, timings, instances, splay, limit);
    const [longestQueue = '', worstWait = '', , lastEnd = ''] = figures(outcome);
    return [
      limit ? limit.queued.toLocaleString('en') : '0 (default)',
      limit ? `${limit.retryDelay} s` : '',
      `${splay} s`,
      longestQueue,
      worstWait,
      outcome.refusals.toLocaleString('en'),
      formatDuration(outcome.longestRun),
      lastEnd,
    ];
  });
  return table(
    [
      '`max-queued-requests`',
      '`max-retry-delay`',
      '`splay`',
      'longest queue',
      'worst wait in the queue',
      'answers 503',
      'longest run',
      'last host done after',
    ],
    rows,
  );
}

function awayTable(timings: RunTimings): string {
  const hosts = 1000;
  const instances = instancesFor(hosts, timings, SHARE);
  const cases = [
    ['the default', DEFAULTS, 10],
    ['the default and `splay` 300', { ...DEFAULTS, splay: 300 }, 10],
    ['without a back-off', { ...DEFAULTS, burst: 1000 }, 10],
    ['every minute', { ...DEFAULTS, burst: 1000 }, Math.max(0, 60 - timings.start - timings.cached)],
  ] as const;
  const rows = cases.map(([name, rules, delta]) => {
    const outcome = serverAway(hosts, timings, instances, rules, delta);
    const within = (minute: number) =>
      outcome.arrivals.filter((at) => at >= AWAY.to + 60 * minute && at < AWAY.to + 60 * (minute + 1)).length;
    return [name, String(within(0)), String(within(1)), String(within(4)), ...figures(outcome).slice(0, 2)];
  });
  return [
    `${hosts.toLocaleString('en')} hosts that ask for another rerun in every run, ${instances} JRuby instance${instances === 1 ? '' : 's'}, no server for ${formatDuration(AWAY.to - AWAY.from)}.`,
    '',
    table(
      [
        'reruns',
        'runs that ask in the first minute',
        'in the second',
        'in the fifth',
        'longest queue',
        'worst wait of a request',
      ],
      rows,
    ),
  ].join('\n');
}

/** Cores of the PuppetDB of the table. */
const CORES = 4;

/** Seconds after which a look of examples/cluster is given up. */
const LOOK_PATIENCE = 10;

/** Hosts that all wait for something that PuppetDB is to know, and ask it; beside the same hosts with a run each minute. */
export function looksTable({ look, passes, pulse: seen }: Measured): string {
  const stored = passes.reduce((sum, { cpu }) => sum + cpu.puppetdb + cpu.postgresql, 0);
  const perRun = stored / passes.reduce((sum, pass) => sum + totalRuns(pass), 0) + seen.cpu / seen.runs;
  const cases = [
    [100, LOOK_INTERVAL],
    [1000, LOOK_INTERVAL],
    [HOSTS, LOOK_INTERVAL],
    [HOSTS, 30],
    [HOSTS, 60],
    [HOSTS, 300],
  ] as const;
  const rows = cases.map(([hosts, interval]) => {
    const answers = looks(hosts, interval, look.puppetdb, CORES);
    const worst = answers.reduce((longest, answer) => Math.max(longest, answer), 0);
    return [
      hosts.toLocaleString('en'),
      `${interval} s`,
      (hosts / interval).toFixed(0),
      ((hosts / interval) * look.puppetdb).toFixed(2),
      worst > LOOK_PATIENCE ? 'falls behind: looks fail' : `${worst.toFixed(2)} s`,
      ((hosts / 60) * perRun).toFixed(2),
    ];
  });
  const worse = limitsOfLooks(look.puppetdb, perRun, LOOK_INTERVAL, CORES);
  const { maxDelay } = DEFAULTS;
  const backedOff = limitsOfLooks(look.puppetdb, perRun, LOOK_INTERVAL, CORES, maxDelay);
  return [
    `A look takes ${milliseconds(look.puppetdb)} of CPU time of PuppetDB and PostgreSQL, and ${milliseconds(look.host)} on the host. A run takes ${milliseconds(perRun)} of Puppet Server, PuppetDB and PostgreSQL.`,
    '',
    `- At an interval below ${worse.interval.toFixed(1)} s, looks take more CPU time of these servers than a run each minute, whatever the number of hosts; at a longer interval, they take less.`,
    `- A host that waits by deltas backs off to one run in ${formatDuration(maxDelay)} (\`max_delay\`). At an interval below ${backedOff.interval.toFixed(1)} s, looks take more CPU time than such runs, whatever the number of hosts. In exchange, the host notices the event within an interval, and not up to ${formatDuration(maxDelay)} later.`,
    `- At an interval of ${LOOK_INTERVAL} s, ${CORES} cores fall behind from ${worse.hosts.toLocaleString('en')} hosts on that wait at the same time.`,
    '',
    table(
      [
        'hosts that wait',
        'interval',
        'looks a second',
        'cores of PuppetDB that they keep busy',
        `worst answer of ${CORES} cores`,
        'cores of all servers, with a run each minute instead',
      ],
      rows,
    ),
  ].join('\n');
}

function milliseconds(seconds: number): string {
  return `${(1000 * seconds).toFixed(0)} ms`;
}
