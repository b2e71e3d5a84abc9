// Gathers the licences of what an executable holds: `again --licenses` prints them (src/cli/licenses.ts).

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, root } from './project.mjs';

/**
 * One text with all of them: the module's own, Node's, and that of each package in the bundles.
 *
 * @param {string} version of the module
 * @param {string} node folder of the npm package with the Node binary
 * @param {Iterable<string>} inputs what esbuild has read, as its metafile names it
 * @throws Failure when one of them brings no licence
 */
export function licensesOf(version, node, inputs) {
  const packages = [...new Set([...inputs].flatMap((input) => packageOf(input) ?? []))].sort();
  const texts = [
    [`again ${version}`, readLicense(root)],
    [`Node.js ${read(node).version}, and what it holds`, readLicense(node)],
    ...packages.map((folder) => [`${read(folder).name} ${read(folder).version}`, readLicense(folder)]),
  ];
  // npm may install the same release twice.
  const unique = [...new Map(texts.map((one) => [one[0], one])).values()];
  const contents = `This executable holds:\n\n${unique.map(([title]) => `  ${title}\n`).join('')}`;
  return [contents, ...unique.map(([title, text]) => `${heading(title)}\n${text.trim()}\n`)].join('\n\n');
}

/** The folder of the package that a file belongs to: `node_modules/cliui/node_modules/strip-ansi/index.js`. */
function packageOf(input) {
  const [, folder] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input) ?? [];
  return folder && join(root, folder);
}

function heading(title) {
  return `${'='.repeat(80)}\n${title}\n${'='.repeat(80)}\n`;
}

function read(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

function readLicense(folder) {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const name = names.find((one) => /^licen[cs]e([-.].*)?$/i.test(one));
  if (!name) throw new Failure(`${folder} has no licence, and the executable must not be shipped without`);
  return readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n');
}
