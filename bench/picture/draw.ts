import { element, line, rectangle, text } from '../draw/svg.ts';
import { paceOf, runsOf, type Screen, wrap } from './screen.ts';

export const COLUMNS = 104;

const SIZE = 13;
/** The width of a character of the usual fonts, in parts of their size. */
const WIDTH = SIZE * 0.602;
const HEIGHT = 19;
const BAR = 34;
/** Left of the text: where the runs are marked. */
const GUTTER = 86;
const MARGIN = 18;

/** Milliseconds for which the end is shown. */
const REST_MS = 6000;

const COLOURS = {
  paper: '#0d1117',
  bar: '#161b22',
  edge: '#30363d',
  text: '#c9d1d9',
  dim: '#7d8590',
  prompt: '#7ee787',
  again: '#79c0ff',
  changes: '#d29922',
  rest: '#3fb950',
} as const;

/**
 * Draws a terminal. Where SVG is animated, its lines come in the order and at the distances in which they came; where it is not, the picture is what was left on the
 * screen.
 */
export function drawTerminal(title: string, prompt: string, command: string, screen: Screen): string {
  const times = [...screen.lines, ...screen.passing].map(({ at }) => at);
  const pace = paceOf([...times, ...screen.passing.map(({ until }) => until)]);
  const total = pace(Math.max(...times)) + REST_MS;
  const styles: string[] = [];
  const animated = (from: number, until: number | undefined) => {
    const name = `a${styles.length}`;
    const percent = (at: number) => `${((100 * pace(at)) / total).toFixed(2)}%`;
    const frames =
      until === undefined
        ? `0%{opacity:0}${percent(from)},100%{opacity:1}`
        : `0%{opacity:0}${percent(from)}{opacity:1}${percent(until)},100%{opacity:0}`;
    const hidden = until === undefined ? '' : 'opacity:0;';
    const seconds = (total / 1000).toFixed(1);
    styles.push(
      `@keyframes ${name}{${frames}}.${name}{${hidden}animation:${name} ${seconds}s infinite step-end}`,
    );
    return name;
  };

  const parts: string[] = [];
  const starts: number[] = [];
  const top = BAR + 28;
  const base = (row: number) => top + row * HEIGHT;
  const mono = (row: number, content: string, fill: string, more = {}) =>
    text(GUTTER, base(row), content, { class: 'm', fill, 'xml:space': 'preserve', ...more });
  const width = GUTTER + COLUMNS * WIDTH + MARGIN;

  let row = 0;
  const typed = [
    element('tspan', { fill: COLOURS.prompt }, prompt),
    element('tspan', { fill: COLOURS.text }, command.replaceAll('&', '&amp;').replaceAll('<', '&lt;')),
  ];
  parts.push(element('text', { x: GUTTER, y: base(row), class: 'm', 'xml:space': 'preserve' }, ...typed));
  row += 1;
  for (const { text: content, at } of screen.lines) {
    starts.push(row);
    const rows = wrap(content, COLUMNS);
    const drawn = rows.map((part, n) => mono(row + n, part, colourOf(content)));
    parts.push(element('g', { class: animated(at, undefined) }, ...drawn));
    row += rows.length;
  }
  starts.push(row);
  for (const { text: content, at, until, row: number } of screen.passing)
    parts.push(mono(starts[number] ?? row, content, COLOURS.again, { class: `m ${animated(at, until)}` }));

  for (const [index, run] of runsOf(screen.lines).entries()) {
    const [first, last] = [starts[run.first] ?? 0, (starts[run.last + 1] ?? 1) - 1];
    const stroke = run.asksForAnother ? COLOURS.changes : COLOURS.rest;
    const x = GUTTER - 14;
    const from = base(first) - SIZE + 4;
    const marks = [
      line(x, from, x, base(last) + 2, { stroke, 'stroke-width': 3, 'stroke-linecap': 'round' }),
      text(x - 10, base(first), `run ${index + 1}`, { 'text-anchor': 'end', fill: stroke, class: 'r' }),
    ];
    parts.push(element('g', { class: animated(screen.lines[run.first]?.at ?? 0, undefined) }, ...marks));
  }

  const height = base(row - 1) + 24;
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map((fill, n) =>
    element('circle', { cx: 20 + n * 20, cy: BAR / 2, r: 6, fill }),
  );
  const fonts = "ui-monospace,SFMono-Regular,Menlo,'DejaVu Sans Mono',monospace";
  const style = [
    `.m{font:${SIZE}px ${fonts}}`,
    '.r,.t{font:600 12px -apple-system,BlinkMacSystemFont,Helvetica,Arial,sans-serif}',
    ...styles,
    '@media (prefers-reduced-motion:reduce){[class]{animation:none!important}}',
  ];
  const frame = { rx: 10, fill: COLOURS.paper, stroke: COLOURS.edge };
  const head = { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${Math.ceil(width)} ${height}` };
  return `${element(
    'svg',
    { ...head, width: Math.ceil(width), height, role: 'img' },
    `\n${[
      element('title', {}, title),
      element('style', {}, `\n${style.join('\n')}\n`),
      rectangle(0.5, 0.5, Math.ceil(width) - 1, height - 1, frame),
      line(1, BAR, Math.ceil(width) - 1, BAR, { stroke: COLOURS.edge }),
      ...dots,
      text(width / 2, BAR / 2 + 4, title, { class: 't', fill: COLOURS.dim, 'text-anchor': 'middle' }),
      ...parts,
    ].join('\n')}\n`,
  )}\n`;
}

/** The lines of `again` stand out from those of Puppet. */
function colourOf(content: string): string {
  if (content.includes('Will run `') || content.startsWith('again run: ')) return COLOURS.again;
  return /^(Notice: (Compiled|Applied) catalog|.*Triggered 'refresh')/.test(content)
    ? COLOURS.dim
    : COLOURS.text;
}
