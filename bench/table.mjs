// The table of figures, and what has moved since the last one.

import { readFileSync } from 'node:fs';

const head = ['figure', 'what', 'measured', 'ratio', '±', 'budget', 'moved'];

/** Rows are `{ figure, what, value, ratio, uncertainty, budget }`; ratio is NaN where there is nothing to compare. */
export function drawTable(rows, last) {
  const lines = rows.map((row) => [
    row.figure,
    row.what,
    row.value,
    Number.isNaN(row.ratio) ? '' : row.ratio.toFixed(2),
    row.uncertainty === undefined ? '' : `${(row.uncertainty * 100).toFixed(0)} %`,
    row.budget,
    movedSince(row, last),
  ]);
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...lines.map(line)].join('\n');
}

/** The ratios and uncertainties of a page that was written before, by figure and what. */
export function readTable(path) {
  const found = new Map();
  let page = '';
  try {
    page = readFileSync(path, 'utf8');
  } catch {
    // the first time
  }
  for (const line of page.split('\n')) {
    const [, figure, what, , ratio, uncertainty] = line.split('|').map((cell) => cell.trim());
    if (ratio && !Number.isNaN(Number(ratio)))
      found.set(`${figure}|${what}`, {
        ratio: Number(ratio),
        uncertainty: Number.parseFloat(uncertainty) / 100 || 0,
      });
  }
  return found;
}

/** Half of the last digit of a ratio that was read from a page. */
const rounding = 0.005;

/** More than both measurements together may be off counts, but nothing below five per cent. */
function movedSince({ figure, what, ratio, uncertainty = 0 }, last) {
  const before = last.get(`${figure}|${what}`);
  if (!before || Number.isNaN(ratio)) return '';
  const change = ratio / before.ratio - 1;
  const noise = Math.max(0.05, 2 * Math.hypot(uncertainty, before.uncertainty, rounding / before.ratio));
  return Math.abs(change) > noise
    ? `${change > 0 ? '+' : ''}${(change * 100).toFixed(0)} %, was ${before.ratio}`
    : '';
}
