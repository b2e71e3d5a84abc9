// Measures what this module costs, side by side with peers, in one run:
//
//   npm run bench [-- FIGURE...]      figures: exec, latency, waiter, looks, deltas, convergence, alternatives, delivery, rendering, scope, fact; all of them unless told
//
// Prints one table of ratios, says what has moved since the last one, and writes docs/BENCHMARKS.md with a plot of what grows, unless a
// figure failed or was left out. Takes half an hour on an idle machine; on a busy one the ratios hold, the milliseconds don't. Needs root,
// and what `npm run setup` installs.

import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { Failure, root, run } from '../scripts/project.mjs';
import { measureAlternatives } from './figures/alternatives.mjs';
import { measureConvergence } from './figures/convergence.mjs';
import { measureDelivery } from './figures/delivery.mjs';
import { measureDeltas } from './figures/deltas.mjs';
import { measureExec } from './figures/exec.mjs';
import { measureFact } from './figures/fact.mjs';
import { measureLatency } from './figures/latency.mjs';
import { measureLooks } from './figures/looks.mjs';
import { measureRendering } from './figures/rendering.mjs';
import { measureScope } from './figures/scope.mjs';
import { measureWaiter } from './figures/waiter.mjs';
import { makePlace } from './place.mjs';
import { drawTable, readTable } from './table.mjs';

const results = join(root, 'docs/BENCHMARKS.md');

/** Each returns `{ rows, section }`, with a section of the page where the figure has more to show. */
const figures = {
  exec: async (place) => ({ rows: await measureExec(place) }),
  latency: async (place) => ({ rows: await measureLatency(place) }),
  waiter: async (place) => ({ rows: await measureWaiter(place) }),
  looks: async (place) => ({ rows: await measureLooks(place) }),
  deltas: measureDeltas,
  convergence: async (place) => ({ rows: await measureConvergence(place) }),
  alternatives: async (place) => ({ rows: await measureAlternatives(place) }),
  delivery: measureDelivery,
  rendering: async () => ({ rows: await measureRendering() }),
  scope: async (place) => ({ rows: await measureScope(place) }),
  fact: async () => ({ rows: await measureFact() }),
};

await run('bench', async (names) => {
  const unknown = names.find((name) => !Object.hasOwn(figures, name));
  if (unknown !== undefined) {
    throw new Failure(`'${unknown}' is no figure: ${Object.keys(figures).join(', ')}`, 64);
  }
  if (process.getuid() !== 0) throw new Failure('needs root, for it drives the real Puppet and its server');
  const place = makePlace();
  try {
    const found = [];
    for (const name of names.length > 0 ? names : Object.keys(figures)) {
      console.log(`\n== ${name}`);
      // One that fails must not cost what was measured of the others.
      const one = await figures[name](place).catch((error) =>
        console.error(`bench: ${name}: ${error.stack}`),
      );
      if (!one) {
        process.exitCode = 1;
        continue;
      }
      found.push(one);
      console.log(drawTable(one.rows, readTable(results)));
    }
    if (names.length > 0 || process.exitCode) return;
    const table = drawTable(
      found.flatMap(({ rows }) => rows),
      readTable(results),
    );
    const sections = found.flatMap(({ section }) => section ?? []);
    writeFileSync(results, page(table, sections));
    console.log(`\n${table}\n\nbench: see ${results}`);
  } finally {
    place.remove();
  }
});

function page(table, sections) {
  const today = new Date().toISOString().slice(0, 10);
  return `# Benchmarks

Made by \`npm run bench\` on ${today}: ${cpus().length} cores of ${cpus()[0]?.model ?? 'an unknown processor'}, Linux, Node ${process.version}.
Milliseconds are this machine's; ratios are what to compare: they are against the first row of each figure. ± is how far a median or
mean may be off (half the 95 % interval, from the quartiles or the standard error). *moved* names what changed since the table before by more than both may be off.

${[table, ...sections, readFileSync(join(root, 'bench/notes.md'), 'utf8').trim()].join('\n\n')}
`;
}
