import type { Generation } from './generations.ts';
import { cell, type Row, whyNot } from './page.ts';
import type { Results } from './results.ts';

/** The part of metadata.json about support. */
export interface Support {
  readonly requirements: readonly { readonly name: string; readonly version_requirement: string }[];
  readonly operatingsystem_support: readonly {
    readonly operatingsystem: string;
    readonly operatingsystemrelease: readonly string[];
  }[];
}

/** The support by the results: a generation counts when each of its cells is a yes, or can't be had. */
export function supportOf(
  results: Results,
  generations: readonly Generation[],
  ways: readonly Row[],
): Support {
  const good = generations.filter((generation) =>
    ways.every(
      (way) =>
        whyNot(way, generation) !== undefined ||
        cell(way, generation, results.generations[generation.name]) === 'yes',
    ),
  );
  const products = [...new Set(good.map(({ product }) => product))];
  return {
    requirements: products.map((product) => {
      const seen = good
        .filter((generation) => generation.product === product)
        .map(({ name }) => results.generations[name]?.versions.puppet ?? '')
        .sort((one, other) => one.localeCompare(other, 'en', { numeric: true }));
      return {
        name: product,
        version_requirement: `>= ${seen[0]} < ${Number.parseInt(`${seen.at(-1)}`, 10) + 1}.0.0`,
      };
    }),
    operatingsystem_support: [
      {
        operatingsystem: 'Debian',
        operatingsystemrelease: good.flatMap(({ release }) => release ?? []),
      },
    ],
  };
}
