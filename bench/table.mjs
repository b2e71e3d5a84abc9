// The table of figures, and what has moved since the last time.

const head = ['figure', 'what', 'measured', 'ratio', '±', 'budget', 'moved'];

/** Rows are `{ figure, what, value, ratio, uncertainty, budget, moved }`; the ratio is no finite number where there is nothing to compare. */
export function drawTable(rows) {
  const lines = rows.map((row) => [
    row.figure,
    row.what,
    row.value,
    Number.isFinite(row.ratio) ? row.ratio.toFixed(2) : '',
    row.uncertainty === undefined ? '' : `${(row.uncertainty * 100).toFixed(0)} %`,
    row.budget,
    row.moved,
  ]);
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...lines.map(line)].join('\n');
}

/** The rows, each with what has moved since these rows of the last time. */
export function withMoved(rows, last) {
  return rows.map((row) => {
    const before = last.find(({ figure, what }) => figure === row.figure && what === row.what);
    return { ...row, moved: before ? moved(row, before) : '' };
  });
}

/** More than both measurements together may be off counts, but nothing below five per cent. */
function moved({ ratio, uncertainty = 0 }, before) {
  if (!Number.isFinite(ratio) || !Number.isFinite(before.ratio)) return '';
  const change = ratio / before.ratio - 1;
  const noise = Math.max(0.05, 2 * Math.hypot(uncertainty, before.uncertainty ?? 0));
  if (Math.abs(change) <= noise) return '';
  return `${change > 0 ? '+' : ''}${(change * 100).toFixed(0)} %, was ${before.ratio.toFixed(2)}`;
}
