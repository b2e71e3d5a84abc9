/** A command at a prompt, and what it printed: whole lines, or nothing. */
export interface Entry {
  readonly command: string;
  readonly output: string;
}

/** A console of the page. */
export interface Console {
  /** The heading above it. */
  readonly heading: string;
  /** Which one below that heading, from 0. */
  readonly index: number;
  /** The lines before the first command: all of them, where the console shows no command. */
  readonly before: string;
  readonly entries: readonly Entry[];
}

const CONSOLE = /^```console\n(.*?)^```$/gms;
const PROMPT = '# ';

/** The consoles of a page, in their order. */
export function consolesOf(page: string): Console[] {
  return sectionsOf(page).flatMap(({ heading, text }) =>
    [...text.matchAll(CONSOLE)].map(([, content = ''], index) => ({ heading, index, ...read(content) })),
  );
}

/**
 * The page with another content of one console.
 *
 * @throws Error where there is no such console, or where what is to be shown could not be told from a command
 */
export function withConsole(page: string, { heading, index, before, entries }: Console): string {
  const content = before + entries.map(({ command, output }) => `${PROMPT}${command}\n${output}`).join('');
  const isPlain = JSON.stringify(read(content)) === JSON.stringify({ before, entries });
  if (!isPlain || !content.endsWith('\n'))
    throw new Error(`${heading}: a line of this output begins like a command, or is not ended:\n${content}`);
  let found = false;
  const changed = sectionsOf(page).map((section) => {
    if (section.heading !== heading) return section.text;
    let at = -1;
    return section.text.replaceAll(CONSOLE, (old) => {
      at += 1;
      if (at !== index) return old;
      found = true;
      return `\`\`\`console\n${content}\`\`\``;
    });
  });
  if (!found) throw new Error(`the page has no console ${index} below ${heading}`);
  return changed.join('');
}

function read(content: string): Pick<Console, 'before' | 'entries'> {
  const [before = '', ...rest] = content.split(new RegExp(`^${PROMPT}`, 'm'));
  const entries = rest.map((text) => {
    const end = text.indexOf('\n');
    return { command: text.slice(0, end), output: text.slice(end + 1) };
  });
  return { before, entries };
}

function sectionsOf(page: string): { heading: string; text: string }[] {
  return page.split(/^(?=## )/m).map((text) => ({ heading: /^## (.*)$/m.exec(text)?.[1] ?? '', text }));
}
