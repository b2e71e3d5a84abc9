import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/project.mjs';

const PAGE = join(root, 'docs/FLEET.md');

/** Puts new content between the marks `<!-- name -->` and `<!-- /name -->` of docs/FLEET.md. */
export function fill(name: string, content: string): void {
  const page = readFileSync(PAGE, 'utf8');
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${PAGE} has no place for ${name}`);
  writeFileSync(PAGE, `${page.slice(0, from + begin.length)}\n${content}\n${page.slice(to)}`);
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Writes a picture into docs/, as SVG and, with librsvg, as PNG. */
export function writePicture(name: string, svg: string): void {
  const path = join(root, `docs/${name}.svg`);
  writeFileSync(path, svg);
  execFileSync('rsvg-convert', ['--zoom', '1.5', '--output', join(root, `docs/${name}.png`), path]);
}
