// What was measured the last time of each figure, and docs/BENCHMARKS.md, which is made from it.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { root } from '../scripts/project.mjs';
import { drawTable, withMoved } from './table.mjs';

const MEASURED = join(root, 'bench/measured.json');
export const PAGE = join(root, 'docs/BENCHMARKS.md');

/** By the name of a figure: `{ date, machine, rows, section }`, with a section of the page where the figure has more to show. */
export function readMeasured() {
  return existsSync(MEASURED) ? JSON.parse(readFileSync(MEASURED, 'utf8')) : {};
}

/** Keeps what was measured just now of a figure in place of the last time, and makes the page of it and of all others. Returns its rows, with what has moved. */
export function keep(name, { rows, section }) {
  const measured = readMeasured();
  const found = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} cores of ${cpus()[0]?.model ?? 'an unknown processor'}, Linux, Node ${process.version}`,
    rows: withMoved(rows, measured[name]?.rows ?? []),
    section,
  };
  const all = { ...measured, [name]: found };
  writeFileSync(MEASURED, `${JSON.stringify(all, (_, value) => rounded(value), 1)}\n`);
  writeFileSync(PAGE, pageOf(all));
  return found.rows;
}

function rounded(value) {
  return typeof value === 'number' ? Math.round(value * 10_000) / 10_000 : value;
}

/** @param measured as {@link readMeasured} has it */
export function pageOf(measured) {
  const figures = Object.values(measured);
  const table = drawTable(figures.flatMap(({ rows }) => rows));
  const sections = figures.flatMap(({ section }) => section ?? []);
  return `# Benchmarks

Made by \`npm run bench\`${whenAndWhere(measured)}
Milliseconds are this machine's; ratios are what to compare: they are against the first row of each figure. ± is how far a median or
mean may be off (half the 95 % interval, from the quartiles or the standard error). *moved* names what changed since the time before by more than both may be off.

${[table, ...sections, readFileSync(join(root, 'bench/notes.md'), 'utf8').trim()].join('\n\n')}
`;
}

function whenAndWhere(measured) {
  const groups = Map.groupBy(Object.entries(measured), ([, { date, machine }]) => `on ${date}: ${machine}`);
  if (groups.size === 1) return ` ${[...groups.keys()][0]}.`;
  const names = (entries) => entries.map(([name]) => `\`${name}\``).join(', ');
  return `:\n\n${[...groups].map(([when, entries]) => `- ${names(entries)} ${when}`).join('\n')}\n`;
}
