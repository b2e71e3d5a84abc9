import { line, picture, rectangle, text } from '../draw/svg.ts';

/** A line of a chart. */
export interface Series {
  readonly label: string;
  readonly colour: string;
  /** One value for each step of the horizontal axis. */
  readonly values: readonly number[];
}

export interface Chart {
  readonly title: string;
  readonly subtitle: string;
  readonly series: readonly Series[];
  /** Minutes from the first value to the beginning of what is shown, and between two values. */
  readonly offset: number;
  readonly step: number;
  readonly xLabel: string;
  readonly yLabel: string;
}

const [WIDTH, HEIGHT] = [1000, 520];
const FRAME = { left: 90, right: 30, top: 90, bottom: 60 };

export function drawChart({ title, subtitle, series, offset, step, xLabel, yLabel }: Chart): string {
  const length = Math.max(...series.map(({ values }) => values.length));
  const end = length * step - offset;
  const top = niceTop(Math.max(...series.flatMap(({ values }) => values)));
  const x = (minutes: number) =>
    FRAME.left + ((minutes + offset) / (end + offset)) * (WIDTH - FRAME.left - FRAME.right);
  const y = (value: number) => HEIGHT - FRAME.bottom - (value / top) * (HEIGHT - FRAME.top - FRAME.bottom);
  const minutes = Array.from({ length: Math.floor(end / 10) + 1 }, (_, index) => index * 10);
  const ticks = Array.from({ length: 6 }, (_, index) => (index * top) / 5);
  return picture(
    WIDTH,
    HEIGHT,
    text(FRAME.left, 32, title, { 'font-size': 17, 'font-weight': 'bold' }),
    text(FRAME.left, 54, subtitle, { fill: '#555' }),
    ...ticks.flatMap((tick) => [
      line(FRAME.left, y(tick), WIDTH - FRAME.right, y(tick), { stroke: '#e2e2e2' }),
      text(FRAME.left - 8, y(tick) + 4, tick.toLocaleString('en'), { 'text-anchor': 'end', 'font-size': 12 }),
    ]),
    ...minutes.flatMap((tick) => [
      line(x(tick), HEIGHT - FRAME.bottom, x(tick), HEIGHT - FRAME.bottom + 5, { stroke: '#555' }),
      text(x(tick), HEIGHT - FRAME.bottom + 20, `${tick}`, { 'text-anchor': 'middle', 'font-size': 12 }),
    ]),
    text((FRAME.left + WIDTH) / 2, HEIGHT - 14, xLabel, { 'text-anchor': 'middle', fill: '#555' }),
    text(FRAME.left - 64, FRAME.top - 14, yLabel, { fill: '#555' }),
    ...series.map((one) => path(one, (index) => x(index * step - offset), y)),
    ...series.flatMap(({ label, colour }, index) => [
      rectangle(WIDTH - 230, FRAME.top + 4 + index * 22, 22, 5, { fill: colour }),
      text(WIDTH - 200, FRAME.top + 12 + index * 22, label),
    ]),
  );
}

function path(
  { values, colour }: Series,
  x: (index: number) => number,
  y: (value: number) => number,
): string {
  const points = values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  return `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="2.5" stroke-linejoin="round"/>`;
}

/** The next number above that people like to read five parts of. */
function niceTop(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(Math.max(value, 5)));
  return ([1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10].find((factor) => factor * unit >= value) ?? 10) * unit;
}
