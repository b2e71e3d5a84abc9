// A picture of something that grows with something else.

import { line, picture, rectangle, text } from '../draw/svg.ts';

const [width, height] = [760, 420];
const frame = { left: 70, right: 30, top: 80, bottom: 60 };
const ticks = 5;

/** `series` are `{ label, colour, points: [[x, y], …] }`; both axes begin at 0. */
export function drawGrowth({ title, xLabel, yLabel, series }) {
  const points = series.flatMap((one) => one.points);
  const [right, top] = [0, 1].map((axis) => readable(Math.max(...points.map((point) => point[axis]))));
  const x = (value) => frame.left + (value / right) * (width - frame.left - frame.right);
  const y = (value) => height - frame.bottom - (value / top) * (height - frame.top - frame.bottom);
  const grid = Array.from({ length: ticks + 1 }, (_, index) => index / ticks);
  return picture(
    width,
    height,
    text(frame.left, 30, title, { 'font-size': 16, 'font-weight': 'bold' }),
    ...grid.flatMap((part) => [
      line(frame.left, y(part * top), width - frame.right, y(part * top), { stroke: '#e2e2e2' }),
      text(frame.left - 8, y(part * top) + 4, (part * top).toFixed(1), {
        'text-anchor': 'end',
        'font-size': 12,
      }),
      text(x(part * right), height - frame.bottom + 20, (part * right).toFixed(0), {
        'text-anchor': 'middle',
        'font-size': 12,
      }),
    ]),
    text((frame.left + width - frame.right) / 2, height - 14, xLabel, {
      'text-anchor': 'middle',
      fill: '#555',
    }),
    text(frame.left - 50, frame.top - 12, yLabel, { fill: '#555' }),
    ...series.flatMap(({ label, colour, points: own }, index) => [
      ...own.slice(1).map(([toX, toY], before) => {
        const [fromX, fromY] = own[before];
        return line(x(fromX), y(fromY), x(toX), y(toY), { stroke: colour, 'stroke-width': 2.5 });
      }),
      ...own.map(([atX, atY]) => rectangle(x(atX) - 3, y(atY) - 3, 6, 6, { fill: colour })),
      rectangle(frame.left + 14, frame.top + 6 + index * 22, 22, 5, { fill: colour }),
      text(frame.left + 44, frame.top + 14 + index * 22, label),
    ]),
  );
}

/** The next number above that can be read off in five steps. */
function readable(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return unit * [1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10].find((factor) => factor * unit >= value);
}
