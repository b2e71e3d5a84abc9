import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../../scripts/project.mjs';

/** A test that a document names as its proof: a file below spec/, and a title or its beginning, in which `…` stands for anything. */
interface Proof {
  readonly document: string;
  readonly file: string;
  readonly title: string;
}

const documents = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
const proofs = documents.flatMap((document) => [...proofsOf(document)]);
/** Fewer characters than this are no title of their own. */
const SHORTEST = 4;

describe('each test that a document names', () => {
  test('is found in more than one document', () => {
    expect(new Set(proofs.map(({ document }) => document)).size).toBeGreaterThan(1);
  });

  test.each(proofs)('$document: $file: $title', ({ file, title }) => {
    expect(existsSync(join(root, 'spec', file)), `spec/${file}`).toBe(true);
    const titles = titlesOf(readFileSync(join(root, 'spec', file), 'utf8'));
    expect(titles.some((one) => isMeant(title, one))).toBe(true);
  });
});

/** Sequences of `npm run chaos` that are kept, as documents name them: the first one of a cell with its folder. */
const kept = documents.flatMap((document) => {
  const text = readFileSync(join(root, 'docs', document), 'utf8');
  return [...text.matchAll(/`chaos\/kept\/[\w-]+\.json`(?:, `[\w-]+\.json`)*/g)].flatMap(([cell]) =>
    [...cell.matchAll(/[\w-]+\.json/g)].map(([name]) => ({ document, name })),
  );
});

test.each(kept)('$document: the sequence $name is kept', ({ name }) => {
  expect(existsSync(join(root, 'spec/chaos/kept', name))).toBe(true);
});

function* proofsOf(document: string): Generator<Proof> {
  const text = readFileSync(join(root, 'docs', document), 'utf8');
  for (const [, file = '', titles = ''] of text.matchAll(
    /`(?:spec\/)?([\w/.-]+(?:\.test\.ts|\.ts|_spec\.rb))`: (\*[^*]+\*(?:, \*[^*]+\*)*)/g,
  ))
    for (const [, title = ''] of titles.matchAll(/\*([^*]+)\*/g)) yield { document, file, title };
}

/** All that can be a title in a file of tests: its strings. */
function titlesOf(source: string): string[] {
  return [...source.matchAll(/'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g)].map(
    ([, single, double, template]) => (single ?? double ?? template ?? '').replace(/\\(.)/g, '$1'),
  );
}

/** Whether a title in a document is that of a test, where either has gaps: `…`, or what the test puts in. Where both have, half of the words must be there. */
function isMeant(said: string, title: string): boolean {
  const gaps = /\$\{[^}]*\}|%s|\$\w+/;
  const known = title.split(gaps);
  if (known.join('').length < SHORTEST) return false;
  if (title.startsWith(said) || matches(known, said) || matches(said.split('…'), title)) return true;
  if (known.length === 1 || !said.includes('…')) return false;
  const words = said.match(/\w{4,}/g) ?? [];
  return words.filter((word) => known.join(' ').includes(word)).length > words.length / 2;
}

function matches(pieces: readonly string[], text: string): boolean {
  const pattern = pieces.map((piece) => piece.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*');
  return new RegExp(`^\\s*${pattern}\\s*$`).test(text);
}
