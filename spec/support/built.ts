import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { bundle } from '../../scripts/bundle.mjs';
import { cache, readVersion, root } from '../../scripts/project.mjs';

/** Files that begin something when they are loaded. */
const ENTRIES = ['src/main.ts', 'src/bundle/loader.ts'];

/** A plugin of vitest that gives tests the code that the build makes of src/, bundled and minified, in place of its source. */
export function built() {
  const output = join(cache, 'test/built.cjs');
  let code: Record<string, object> | undefined;
  return {
    name: 'built',
    enforce: 'pre' as const,
    async buildStart() {
      const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
        .map((name) => `src/${name}`)
        .filter((name) => name.endsWith('.ts') && !ENTRIES.includes(name));
      const contents = files
        .map((file) => `export * as ${JSON.stringify(file)} from './${file}';`)
        .join('\n');
      const { text } = await bundle({ stdin: { contents, resolveDir: root } }, readVersion());
      mkdirSync(join(cache, 'test'), { recursive: true });
      writeFileSync(output, text);
      code = createRequire(import.meta.url)(output);
    },
    resolveId(id: string, importer: string | undefined) {
      if (!importer || !id.startsWith('.')) return undefined;
      const file = relative(root, resolve(importer, '..', id));
      return code && file in code ? `\0built:${file}` : undefined;
    },
    load(id: string) {
      if (!id.startsWith('\0built:')) return undefined;
      const file = id.slice('\0built:'.length);
      const names = Object.keys(code?.[file] ?? {});
      return [
        `import built from ${JSON.stringify(output)};`,
        `export const { ${names.join(', ')} } = built[${JSON.stringify(file)}];`,
      ].join('\n');
    },
  };
}
