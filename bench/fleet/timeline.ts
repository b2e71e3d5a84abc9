import { formatDuration as duration } from '../../src/cli/duration.ts';
import { element, line, picture, rectangle, text } from '../draw/svg.ts';
import { type HostStory, type Pass, type RunSeen, totalRuns } from './story.ts';

/** From the first state to the last one. */
const STATES = {
  alone: '#98a2ad',
  'peers seen': '#e3a32b',
  quorum: '#3f7fc1',
  configured: '#2c9a57',
} as const;

const WIDTH = 1200;
const LEFT = 76;
const RIGHT = 24;
const ROW = 38;
const BAR = 18;
const HEAD = 86;
const PANEL_HEAD = 50;
const PANEL_FOOT = 42;

/** Draws all hosts' runs and waits: a panel for each pass, all with the same scale of time. */
export function drawTimeline(passes: readonly Pass[]): string {
  const end = Math.max(...passes.map(({ convergedAt }) => convergedAt)) * 1.02;
  const at = (seconds: number) => LEFT + (seconds / end) * (WIDTH - LEFT - RIGHT);
  let top = HEAD;
  const panels = passes.map((pass) => {
    const panel = drawPanel(pass, top, end, at);
    top += PANEL_HEAD + pass.hosts.length * ROW + PANEL_FOOT;
    return panel;
  });
  return picture(WIDTH, top, PATTERNS, legend(), ...panels);
}

type Scale = (seconds: number) => number;

function drawPanel(pass: Pass, top: number, end: number, at: Scale): string {
  const first = top + PANEL_HEAD;
  const bottom = first + pass.hosts.length * ROW;
  const away = pass.serverAway.flatMap(({ from, to }) => [
    rectangle(at(from), first, at(to) - at(from), bottom - first, { fill: '#d33', 'fill-opacity': 0.13 }),
    text(at((from + to) / 2), first - 5, 'no server', {
      'text-anchor': 'middle',
      'font-size': 11,
      fill: '#b22',
    }),
  ]);
  const done = [
    line(at(pass.convergedAt), first - 4, at(pass.convergedAt), bottom + 4, {
      stroke: STATES.configured,
      'stroke-width': 2,
    }),
  ];
  const title = `${pass.name}: all configured after ${duration(pass.convergedAt)}, in ${totalRuns(pass)} runs`;
  return element(
    'g',
    {},
    text(LEFT, top + 20, title, { 'font-size': 15, 'font-weight': 'bold' }),
    ...away,
    ...axis(first, bottom, end, at),
    ...pass.hosts.map((host, index) => drawHost(host, first + index * ROW + ROW / 2, at)),
    ...done,
  );
}

function drawHost(host: HostStory, middle: number, at: Scale): string {
  const waits = host.waits.map(({ from, to }) =>
    line(at(from), middle, at(to), middle, { stroke: '#444', 'stroke-width': 2, 'stroke-dasharray': '2 3' }),
  );
  const down = host.down.flatMap(({ from, to }) => [
    rectangle(at(from), middle - BAR / 2, Math.max(at(to) - at(from), 5), BAR, { fill: '#222' }),
    text(at((from + to) / 2), middle - BAR / 2 - 3, 'reboot', { 'text-anchor': 'middle', 'font-size': 10 }),
  ]);
  return element(
    'g',
    {},
    text(LEFT - 10, middle + 4, host.host, { 'text-anchor': 'end' }),
    line(at(0), middle + ROW / 2, WIDTH - RIGHT, middle + ROW / 2, { stroke: '#e5e5e5' }),
    line(at(host.startedAt), middle - 13, at(host.startedAt), middle + 13, {
      stroke: '#222',
      'stroke-width': 2,
    }),
    ...waits,
    ...host.runs.map((run) => drawRun(run, stateAt(host, run.to), middle, at)),
    ...down,
  );
}

function drawRun(run: RunSeen, state: keyof typeof STATES | undefined, middle: number, at: Scale): string {
  const width = at(run.to) - at(run.from);
  const box = [at(run.from), middle - BAR / 2, width, BAR] as const;
  const colour = state ? STATES[state] : '#fff';
  return element(
    'g',
    {},
    rectangle(...box, { fill: colour, stroke: '#333', 'stroke-width': 0.6, rx: 2 }),
    ...(run.cached ? [rectangle(...box, { fill: 'url(#cached)', rx: 2 })] : []),
    ...(run.link > 0 && width > 10
      ? [
          text(at(run.from) + width / 2, middle + 4, String(run.link), {
            'text-anchor': 'middle',
            'font-size': 11,
            fill: '#fff',
          }),
        ]
      : []),
  );
}

/** The state that the host had reached at the end of a run. */
function stateAt(host: HostStory, time: number): keyof typeof STATES | undefined {
  return host.states.findLast(({ at }) => at <= time + 0.5)?.state as keyof typeof STATES | undefined;
}

function axis(first: number, bottom: number, end: number, at: Scale): string[] {
  const step = end > 600 ? 60 : 30;
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => index * step);
  return ticks.flatMap((tick) => [
    line(at(tick), first, at(tick), bottom + 4, { stroke: '#ddd' }),
    text(at(tick), bottom + 18, duration(tick), { 'text-anchor': 'middle', 'font-size': 11, fill: '#555' }),
  ]);
}

const PATTERNS = element(
  'defs',
  {},
  element(
    'pattern',
    { id: 'cached', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
    line(0, 0, 0, 6, { stroke: '#fff', 'stroke-width': 3, 'stroke-opacity': 0.75 }),
  ),
);

function legend(): string {
  let x = LEFT;
  const items: string[] = [];
  const item = (width: number, draw: (x: number) => string[], label: string) => {
    items.push(...draw(x), text(x + width + 6, 56, label, { 'font-size': 12 }));
    x += width + 6 + label.length * 7.1 + 20;
  };
  for (const [state, fill] of Object.entries(STATES))
    item(
      18,
      (left) => [rectangle(left, 45, 18, 14, { fill, stroke: '#333', 'stroke-width': 0.6, rx: 2 })],
      state,
    );
  item(
    18,
    (left) => [
      rectangle(left, 45, 18, 14, { fill: STATES.quorum, rx: 2 }),
      rectangle(left, 45, 18, 14, { fill: 'url(#cached)', rx: 2 }),
    ],
    'cached catalog',
  );
  item(
    18,
    (left) => [
      line(left, 52, left + 18, 52, { stroke: '#444', 'stroke-width': 2, 'stroke-dasharray': '2 3' }),
    ],
    'a rerun is pending',
  );
  item(4, (left) => [line(left, 44, left, 60, { stroke: '#222', 'stroke-width': 2 })], 'the host is started');
  const title = text(
    LEFT,
    28,
    'A cluster of four hosts converges: a bar is a run of Puppet, its number the link of a chain',
    {
      'font-size': 17,
      'font-weight': 'bold',
    },
  );
  return element('g', {}, title, ...items);
}
