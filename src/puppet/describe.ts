import { type Bytes, toDisplay } from '../os/bytes.ts';
import type { Command } from './command.ts';
import { parsePuppetCommandLine } from './interpreter.ts';

const LONGEST = 200;

/** A command as a person would type it, from Puppet's own name on: `puppet agent --test`. */
export function describeCommand(command: Command): string {
  const script = parsePuppetCommandLine(command.argv)?.scriptEnd ?? 1;
  return describeWords(['puppet' as Bytes, ...command.argv.slice(script)]);
}

/** The words of a command line as a person would type them, cut off where it is long. */
export function describeWords(words: readonly Bytes[]): string {
  const line = words.map(quoted).join(' ');
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 3)}...` : line;
}

const PLAIN = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-';

/** Whether a shell takes it as it is. */
function isPlain(argument: Bytes): boolean {
  for (const character of argument) if (!PLAIN.includes(character)) return false;
  return argument !== '';
}

function quoted(argument: Bytes): string {
  if (isPlain(argument)) return argument;
  return `'${toDisplay(argument).replaceAll("'", `'\\''`)}'`;
}
