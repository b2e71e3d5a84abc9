import { closeSync, writeSync } from 'node:fs';

/** The descriptor on which a waiter tells the process that started it how it went; both sides know it. */
export const VERDICT_DESCRIPTOR = 3;

/** The end of a notification: the helper's exit code, and one line for people. */
export interface Verdict {
  readonly exitCode: number;
  readonly text: string;
  /** Lines that the process that reads it writes to the journal. */
  readonly journal?: readonly string[];
}

/** Puppet fails an Exec that prints characters that its locale can't read, so each one that is not ASCII is shown by its number. */
export function toAscii(text: string): string {
  if (isAscii(text)) return text;
  return text.replace(/[^\x20-\x7e]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}

/**
 * Says the verdict, and behind it lines for the journal (os/journal.ts), and closes the descriptor: the process that started this one continues from here.
 * Returns whether a process has read it; the record stays true in any case.
 */
export function say(verdict: Verdict): boolean {
  try {
    writeSync(VERDICT_DESCRIPTOR, formatVerdict(verdict));
    closeSync(VERDICT_DESCRIPTOR);
    return true;
  } catch {
    return false;
  }
}

/** A verdict as it is said: `CODE TEXT`, and the lines for the journal. */
export function formatVerdict({ exitCode, text, journal = [] }: Verdict): string {
  return [`${exitCode} ${toAscii(text)}`, ...journal, ''].join('\n');
}

/** Reads a verdict; undefined where the process ended without one. */
export function parseVerdict(said: string): Verdict | undefined {
  const [line = '', ...journal] = said.split('\n');
  const match = /^(\d{1,3}) (.*)$/.exec(line);
  if (journal.pop() !== '' || !match?.[1] || match[2] === undefined) return undefined;
  return { exitCode: Number(match[1]), text: match[2], ...(journal.length > 0 && { journal }) };
}
