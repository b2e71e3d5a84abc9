import { afterAll, describe, test } from 'vitest';
import { makeCell } from './cell.ts';
import { generations } from './generations.ts';
import { type Installation, install, type Versions } from './installation.ts';
import { whyNot } from './page.ts';
import { ways } from './ways/all.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** The versions that were installed where a cell was seen. */
    versions?: Versions;
  }
}

/** Defines the cells of a generation: each a real run, one after the other, in one booted system. */
export function matrix(name: keyof typeof generations): void {
  const generation = generations[name];
  const wanted = ways.filter(({ fast }) => fast || process.env.AGAIN_MATRIX !== 'fast');
  let installed: Promise<Installation> | undefined;

  describe(name, () => {
    afterAll(async () => {
      await installed?.then(
        (installation) => installation.close(),
        () => {}, // told by each cell
      );
    });

    for (const [index, way] of wanted.entries()) {
      test.skipIf(whyNot(way, generation))(way.title, async ({ task }) => {
        // Not in a hook: a cell whose installation fails has failed, and is not one that was not asked for.
        installed ??= install(generation);
        const installation = await installed;
        task.meta.versions = installation.versions;
        const cell = await makeCell(installation, `cell${index + 1}`);
        try {
          await way.run(cell);
        } finally {
          await cell.clear();
        }
      });
    }
  });
}
