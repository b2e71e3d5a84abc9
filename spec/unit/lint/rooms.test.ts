import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../../../scripts/project.mjs';
import { temporaryFolder } from '../state/temporary.ts';

/** The rooms as docs/DESIGN.md has them, each below those that it may import from. */
const ROOMS = [...readFileSync(join(root, 'docs/DESIGN.md'), 'utf8').matchAll(/^\| `(\w+)\/` \|/gm)].map(
  ([, room = '']) => room,
);

/** Lints files by the project's own configuration, and returns what Biome says of them. */
function lint(files: Readonly<Record<string, string>>): { status: number | null; text: string } {
  const folder = temporaryFolder();
  copyFileSync(join(root, 'biome.json'), join(folder, 'biome.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const { status, stdout, stderr } = spawnSync(
    join(root, 'node_modules/.bin/biome'),
    ['lint', '--max-diagnostics=none'],
    { cwd: folder, encoding: 'utf8' },
  );
  return { status, text: stdout + stderr };
}

describe('npm run lint holds the order of the rooms of src/', () => {
  test('the table of docs/DESIGN.md has each of them', () => {
    const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    expect([...ROOMS].sort()).toEqual(folders.map(({ name }) => name).sort());
  });

  test('an import from a room above is fine, one from below is not, also of a type', () => {
    const files: Record<string, string> = {};
    const breaches: string[] = [];
    for (const [at, room] of ROOMS.entries()) {
      files[`src/${room}/target.ts`] = `export type Target = '${room}';\n`;
      for (const [other, from] of ROOMS.entries()) {
        if (from === room) continue;
        const path = `src/${room}/from-${from}.ts`;
        files[path] = `import type { Target } from '../${from}/target.ts';\n\nexport type Ours = Target;\n`;
        if (other > at) breaches.push(path);
      }
    }
    const { status, text } = lint(files);
    expect(status).toBe(1);
    const found = new Set(
      [...text.matchAll(/^(src\/\S+?):\S+ lint\/style\/noRestrictedImports/gm)].map((m) => m[1]),
    );
    // `notify`, `foreground` and `cli` stand side by side.
    const sideways = ['cli/from-notify', 'cli/from-foreground', 'foreground/from-notify'].map(
      (name) => `src/${name}.ts`,
    );
    expect([...found].sort()).toEqual([...breaches, ...sideways].sort());
  });

  test('a circle is not fine, also not one of types inside of a room', () => {
    const { status, text } = lint({
      'src/os/one.ts': "import type { Two } from './two.ts';\n\nexport type One = Two | 1;\n",
      'src/os/two.ts': "import type { One } from './one.ts';\n\nexport type Two = One | 2;\n",
    });
    expect(status).toBe(1);
    expect(text).toContain('lint/suspicious/noImportCycles');
  });
});
