// Which signals mean something to a waiter, in one place. A waiter shares its cgroup and its name pattern (`puppet` in its path) with Puppet's
// daemon, so that `systemctl kill -s USR1 puppet` or `pkill -USR2 -f puppet` reach it, too.

/** These cancel a waiter and all that it holds. */
export const CANCELLING = ['SIGTERM', 'SIGINT'] as const;

/**
 * These do nothing to a waiter: all standard signals that can be caught and whose default action is to end or to stop a process (signal(7)), but for
 * those of faults (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS). Node itself ignores SIGPIPE and SIGXFSZ. A handler, unlike SIG_IGN, is gone after an
 * execve(2), so that the rerun has the signals of its run.
 *
 * SIGUSR1 would make Node listen for a debugger, by which every local user could act as the waiter's; the build forbids that (build.mjs, `--disable-sigusr1`), and Node
 * then keeps it blocked for as long as it lives, so that one that comes stays pending.
 */
export const MEANINGLESS = [
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGSTKFLT',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGXCPU',
  'SIGVTALRM',
  'SIGPROF',
  'SIGIO',
  'SIGPWR',
] as const;

/** A command that people start keeps the usual effect of a terminal's signals; only these do nothing there, too. */
export const STRAY = ['SIGUSR1', 'SIGUSR2'] as const;

/**
 * The real-time signals, 34 to 64: Node can't handle them, so the process that starts a waiter ignores them before (`files/again/notify` does), and the waiter gives
 * the rerun those of its run again. 32 and 33 are the C library's own (signal(7)).
 */
const REALTIME = Array.from({ length: 31 }, (_, n) => n + 34);

/** Real-time signals as the kernel prints a set: bit n-1 stands for signal n. */
export const REALTIME_SET = REALTIME.reduce((set, signal) => set | (1n << BigInt(signal - 1)), 0n);

/** A line of sh that becomes the command of its arguments, with the real-time signals ignored. */
export const WITHOUT_REALTIME_SIGNALS = `command trap '' ${REALTIME.join(' ')}; exec "$@"`;

export const SIGUSR1 = 1n << 9n;

/** The numbers of a set of signals. */
export function numbersOf(set: bigint): number[] {
  return Array.from({ length: 64 }, (_, n) => n + 1).filter((signal) => (set >> BigInt(signal - 1)) & 1n);
}
