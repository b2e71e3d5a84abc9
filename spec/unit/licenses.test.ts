import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bundleSources } from '../../scripts/bundle.mjs';
import { licensesOf } from '../../scripts/licenses.mjs';
import { root } from '../../scripts/project.mjs';
import { temporaryFolder } from './state/temporary.ts';

const node = join(root, 'node_modules', `node-linux-${process.arch}`);

describe('the licences in an executable', { timeout: 60_000 }, () => {
  test("are the module's, Node's, and those of each package in the bundles", async () => {
    const { inputs } = await bundleSources('1.2.3');
    const text = licensesOf('1.2.3', node, inputs);
    const [contents = '', ...texts] = text.split(/^=+\n(?=.*\n=+$)/m);
    const titles = [...contents.matchAll(/^ {2}(.*)$/gm)].map(([, title]) => title);
    expect(titles).toEqual(
      expect.arrayContaining([
        'again 1.2.3',
        `Node.js ${process.versions.node}, and what it holds`,
        expect.stringMatching(/^yargs \d/),
        expect.stringMatching(/^yargs-parser \d/),
      ]),
    );
    expect(texts.map((one) => one.split('\n')[0])).toEqual(titles);
    for (const one of texts) expect(one).toMatch(/Permission (is|to use)|Apache License|Redistribution/);
    const packages = new Set(
      inputs.flatMap((input) => /node_modules\/([^/]+)\/(?!node_modules)/.exec(input)?.[1] ?? []),
    );
    for (const name of packages) expect(contents).toMatch(new RegExp(`^ {2}${name} \\d`, 'm'));
    expect(new Set(titles).size).toBe(titles.length);
  });

  test('are asked for: a package without one is not shipped', () => {
    const folder = join(temporaryFolder(), 'node_modules/free');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"name":"free","version":"1.0.0"}');
    expect(() => licensesOf('1.2.3', node, [relative(root, join(folder, 'index.js'))])).toThrow(
      /free has no licence/,
    );
  });
});
