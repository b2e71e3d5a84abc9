// The room repeat/ holds all that is repeated of a run (arguments, environment, surroundings, executable), and the execve that repeats it.

import { toDisplay } from '../os/bytes.ts';
import { readText } from '../os/read.ts';
import { Refusal } from '../os/refusal.ts';
import type { Rerun } from './rerun.ts';

/** The bytes that the kernel takes in any case, and at the most (ARG_MAX, and three quarters of _STK_LIM): fs/exec.c, bprm_stack_limits. */
const LEAST = 128 * 1024;
const MOST = 6 * 1024 * 1024;
/** No single argument or variable may have so many bytes, its NUL included (MAX_ARG_STRLEN, execve(2)). */
const LONGEST = 128 * 1024;
/** Bytes of a pointer to each of them. */
const POINTER = 8;
/** The bytes that systemd-cat(1), env(1) and the shell on the way to Puppet add to the arguments. */
const TRAMPOLINE = 768;

/**
 * Makes sure that the kernel takes the arguments and the environment: an execve that fails ends this process, and nothing could be reported.
 *
 * @throws {Refusal} where they are too large
 */
export function requireAcceptableSize(
  { executable, argv, environment }: Pick<Rerun, 'executable' | 'argv' | 'environment'>,
  limit = stackLimit(),
): void {
  const strings = [...argv, ...environment];
  const longest = strings.find((string) => string.length + 1 > LONGEST);
  if (longest !== undefined) {
    const start = toDisplay(longest).slice(0, 40);
    throw new Refusal(
      `one argument or variable has ${longest.length} bytes ("${start}..."), and Linux takes no more than ${LONGEST - 1}`,
    );
  }
  const bytes = strings.reduce(
    (sum, string) => sum + string.length + 1 + POINTER,
    executable.length + TRAMPOLINE,
  );
  const room = Math.max(LEAST, Math.min(MOST, Math.floor(limit / 4)));
  if (bytes > room) {
    throw new Refusal(
      `its arguments and environment take ${bytes} bytes with the variables of its chain, and Linux takes no more than ${room} here: ` +
        'start Puppet with a smaller environment, or a higher `ulimit -s`',
    );
  }
}

/** The soft limit of this process's stack, in bytes, which the rerun inherits. */
function stackLimit(): number {
  const soft = /^Max stack size +(\S+)/m.exec(readText('/proc/self/limits'))?.[1];
  return soft === undefined || soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}
