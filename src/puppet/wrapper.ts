import { type Bytes, toDisplay } from '../os/bytes.ts';
import { basename } from '../os/path.ts';
import type { Run } from './run.ts';

/**
 * Whether a process does nothing but start this run and end with it, by its command line: `flock`, `timeout`, `nice` and their kind, whose arguments end with the run's own
 * command, and a shell whose `-c` is one command. A script may go on after the run, so it is no wrapper; one that ends with `exec puppet …` has become the run.
 */
export function isWrapperOf(argv: readonly Bytes[], run: Pick<Run, 'argv' | 'prefix'>): boolean {
  const words = run.argv.slice(run.prefix);
  const before = argv.length - words.length;
  const subcommand = run.argv[run.prefix - 1];
  if (
    before > 2 &&
    words.every((word, n) => argv[before + n] === word) &&
    argv[before - 1] === subcommand &&
    basename(argv[before - 2] ?? '').startsWith('puppet')
  )
    return true;
  const [shell, option, text, ...more] = argv;
  return (
    /^(?:ba|da|k|z)?sh$/.test(basename(shell ?? '')) &&
    option === '-c' &&
    more.length === 0 &&
    text !== undefined &&
    isOneCommand(toDisplay(text))
  );
}

/** A line of shell with nothing that could begin another command. */
function isOneCommand(text: string): boolean {
  return text.includes('puppet') && !/[;&|\n`(){}]/.test(text);
}
