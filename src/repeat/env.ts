import { isSameFile } from '../os/read.ts';
import { numbersOf, SIGUSR1 } from '../os/signals.ts';
import { runSilently } from '../os/spawn.ts';

/** env(1) of the coreutils, which can set signals since version 8.31. */
export const ENV = '/usr/bin/env';

/**
 * The words with which env(1) becomes the rerun, under the same pid, with these signals ignored and blocked and all others as by default; in a fraction of
 * the time that Ruby takes. Undefined where that env can't, or where the file has another name than the rerun's argv[0], which is all that env takes.
 *
 * Node keeps SIGUSR1 blocked (see src/os/signals.ts), so one that came is pending. Puppet's Ruby unblocks every signal at its start and would be ended by it:
 * so a first env ignores SIGUSR1, which discards it (sigaction(2)), and a second one gives it its default again.
 */
export function throughEnv(
  file: string,
  [name, ...args]: readonly string[],
  ignored: bigint,
  blocked: bigint,
): string[] | undefined {
  // A word with `=` would be a variable, and a name without a slash would be looked for.
  if (name === undefined || !name.startsWith('/') || name.includes('=') || !isSameFile(name, file))
    return undefined;
  if (runSilently(ENV, ['--default-signal', ENV, '--version']) !== 0) return undefined;
  const set = (option: string, signals: bigint) =>
    signals === 0n ? [] : [`--${option}-signal=${numbersOf(signals).join(',')}`];
  return [
    'env',
    '--default-signal',
    ...set('ignore', ignored | SIGUSR1),
    ENV,
    ...set('default', SIGUSR1 & ~ignored),
    ...set('block', blocked),
    name,
    ...args,
  ];
}
