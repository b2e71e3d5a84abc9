import { readFileSync } from 'node:fs';

const page = readFileSync(new URL('../../docs/HOWTO.md', import.meta.url), 'utf8');

/**
 * The blocks of docs/HOWTO.md below a heading, by their language: a test that takes it from there holds the page to what it promises.
 *
 * @throws Error where there is no such heading
 */
export function shownBelow(heading: string, language: string): string[] {
  const section = page.split(/^## /m).find((one) => one.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`docs/HOWTO.md has no heading ${heading}`);
  return [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter((match) => match[1] === language)
    .map((match) => match[2] ?? '');
}

/** Files that the page shows there, whose first comment is their path, or begins with it. */
export function filesBelow(heading: string, language: string): Map<string, string> {
  const files = shownBelow(heading, language).flatMap((content) => {
    const path = /^# (\/\S+?):?(?: .*)?$/m.exec(content)?.[1];
    return path === undefined ? [] : [[path, content] as const];
  });
  return new Map(files);
}
