import type { Chunk } from './record.ts';

/** A line that stays. Times are milliseconds. */
export interface Line {
  readonly text: string;
  readonly at: number;
}

/** A line that another one has taken the place of. */
export interface Passing extends Line {
  /** The number of the line whose place it has had. */
  readonly row: number;
  readonly until: number;
}

export interface Screen {
  readonly lines: readonly Line[];
  readonly passing: readonly Passing[];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a terminal gets
const SEQUENCE = /\x1b\[([?\d;]*)([A-Za-z])/y;

/** The content of a terminal over time. Only plain text, the ends of lines, and lines that are erased are understood. Colours are left out. */
export function screenOf(chunks: readonly Chunk[]): Screen {
  const lines: Line[] = [];
  const passing: Passing[] = [];
  let current = '';
  let since = 0;
  const erase = (now: number) => {
    if (current !== '') passing.push({ text: current, at: since, until: now, row: lines.length });
    current = '';
  };
  // A sequence may be cut by the end of a chunk.
  let rest = '';
  for (const { at, text } of chunks) {
    const input = rest + text;
    rest = '';
    for (let i = 0; i < input.length; i += 1) {
      const character = input.charAt(i);
      if (character === '\x1b') {
        SEQUENCE.lastIndex = i;
        const found = SEQUENCE.exec(input);
        if (!found) {
          rest = input.slice(i);
          break;
        }
        if (found[2] === 'K') erase(at);
        i += found[0].length - 1;
      } else if (character === '\n') {
        lines.push({ text: current, at: current === '' ? at : since });
        current = '';
      } else if (character !== '\r') {
        if (current === '') since = at;
        current += character;
      }
    }
  }
  if (current !== '') lines.push({ text: current, at: since });
  return { lines, passing };
}

/** One Puppet run among the lines: the numbers of its first and last line. */
export interface Run {
  readonly first: number;
  readonly last: number;
  readonly asksForAnother: boolean;
}

/** Finds the runs by Puppet's own first and last words. */
export function runsOf(lines: readonly Line[]): Run[] {
  const runs: Run[] = [];
  let first: number | undefined;
  for (const [number, { text }] of lines.entries()) {
    if (text.includes('Compiled catalog for')) first = number;
    if (first === undefined || !text.includes('Applied catalog in')) continue;
    const said = lines.slice(first, number);
    runs.push({ first, last: number, asksForAnother: said.some((line) => line.text.includes('Will run `')) });
    first = undefined;
  }
  return runs;
}

/** Milliseconds that a pause may last in the picture: on a busy machine Puppet takes long to start. */
const LONGEST_PAUSE_MS = 1200;

/** Tells when something is shown that came at one of these times: in the same order, without long pauses. */
export function paceOf(times: readonly number[]): (at: number) => number {
  const paced = new Map<number, number>();
  let before = 0;
  let shown = 0;
  for (const at of [...times].sort((one, other) => one - other)) {
    shown += Math.min(at - before, LONGEST_PAUSE_MS);
    paced.set(at, shown);
    before = at;
  }
  return (at) => paced.get(at) ?? at;
}

/** A line as a terminal breaks it. */
export function wrap(text: string, columns: number): string[] {
  const rows = Array.from({ length: Math.ceil(text.length / columns) }, (_, row) =>
    text.slice(row * columns, (row + 1) * columns),
  );
  return rows.length > 0 ? rows : [''];
}
