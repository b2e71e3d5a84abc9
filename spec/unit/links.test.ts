import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { root, shipped } from '../../scripts/project.mjs';

/** Documents that users get. */
const documents = shipped
  .filter((path) => existsSync(join(root, path)))
  .flatMap((path) =>
    statSync(join(root, path)).isDirectory()
      ? readdirSync(join(root, path), { recursive: true, encoding: 'utf8' }).map((name) => join(path, name))
      : [path],
  )
  .filter((path) => path.endsWith('.md'));

/** Links to files of the project, with the document that has them. */
const links = documents.flatMap((document) =>
  [...textOf(document).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^\w+:/.test(link))
    .map((link) => ({ document, link })),
);

test('links are found in more than one document', () => {
  expect(new Set(links.map(({ document }) => document)).size).toBeGreaterThan(1);
});

test.each(links)('$document: $link leads to what users get', ({ document, link }) => {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? document : normalize(join(dirname(document), path));
  expect(existsSync(join(root, target)) && isShipped(target), target).toBe(true);
  if (anchor !== undefined) expect(anchorsOf(target)).toContain(anchor);
});

function isShipped(path: string): boolean {
  return shipped.includes(path.split('/')[0] ?? '');
}

/** A document without its examples of code. */
function textOf(document: string): string {
  return readFileSync(join(root, document), 'utf8').replaceAll(/^```.*?^```/gms, '');
}

/** What a link can name in a document: its headings, as GitHub writes them in links, and its named anchors. */
function anchorsOf(document: string): string[] {
  const text = textOf(document);
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
  return [...headings, ...[...text.matchAll(/<a name="([^"]+)">/g)].map(([, name = '']) => name)];
}
