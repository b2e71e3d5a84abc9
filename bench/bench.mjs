// Measures what this module costs, side by side with peers, in one run:
//
//   npm run bench [-- FIGURE...]      figures: exec, latency, waiter, looks, deltas, convergence, alternatives, delivery, rendering, scope, fact; all of them unless told
//
// Prints a table of ratios, says what has moved since the last one, and writes docs/BENCHMARKS.md with a plot of what grows. Each figure is kept in measured.json
// as soon as it is there; one that is left out, or fails, stays as it was. Takes half an hour on an idle machine; on a busy one the ratios hold, the milliseconds
// don't. Needs root, and what `npm run setup` installs.

import { Failure, run } from '../scripts/project.mjs';
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
import { keep, PAGE } from './page.mjs';
import { makePlace } from './place.mjs';
import { drawTable } from './table.mjs';

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
    for (const name of names.length > 0 ? names : Object.keys(figures)) {
      console.log(`\n== ${name}`);
      // One that fails must not cost what is measured of the others.
      const found = await figures[name](place).catch((error) =>
        console.error(`bench: ${name}: ${error.stack}`),
      );
      if (found) console.log(drawTable(keep(name, found)));
      else process.exitCode = 1;
    }
    console.log(`\nbench: see ${PAGE}`);
  } finally {
    place.remove();
  }
});
