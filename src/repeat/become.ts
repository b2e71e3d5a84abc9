import { closeSync, constants, openSync } from 'node:fs';
import { fromText, toText } from '../os/bytes.ts';
import { throughJournal } from '../os/journal-stream.ts';
import { readText } from '../os/read.ts';
import { Refusal } from '../os/refusal.ts';
import { parseStatus } from '../os/status.ts';
import { requireAcceptableSize } from './argument-size.ts';
import { ENV, throughEnv } from './env.ts';
import { nodeCanSetSignals, textArguments, textEnvironment } from './exactly.ts';
import type { Rerun } from './rerun.ts';
import { throughRuby } from './ruby.ts';

const SIGNALS = { SIGPIPE: 1n << 12n, SIGXFSZ: 1n << 24n } as const;

/**
 * Makes this process the rerun: same pid, nothing of `again` left. Does not return.
 *
 * @param last called when nothing is left to do but the system call
 */
export function become(rerun: Rerun, last: () => void = () => {}): never {
  const execve = (...command: Parameters<typeof replaceProcess>) => {
    last();
    return replaceProcess(...command);
  };
  const { surroundings, journal } = rerun;
  const through = (...[file, words, environment]: Parameters<typeof replaceProcess>) =>
    journal === undefined
      ? execve(file, words, environment)
      : execve(journal, throughJournal(file, words), environment);
  process.umask(surroundings.umask);
  redirect(rerun.log);
  const ignored = BigInt(`0x${surroundings.ignoredSignals}`);
  for (const [name, bit] of Object.entries(SIGNALS)) {
    // With a handler in place, execve(2) resets the signal to its default; without one, Node's SIG_IGN stays.
    if ((ignored & bit) === 0n) process.on(name as NodeJS.Signals, () => {});
  }
  const file = toText(rerun.executable);
  const argv = textArguments(rerun.argv);
  const environment = textEnvironment(rerun.environment);
  if (rerun.limitRestored && file !== undefined && argv && environment) {
    const blocked = BigInt(`0x${surroundings.blockedSignals}`);
    const inherited = parseStatus(readText('/proc/self/status'))?.ignoredSignals ?? 0n;
    // systemd-cat starts a program by its path alone, and argv[0] may be another.
    if (journal === undefined && nodeCanSetSignals(ignored, blocked, inherited))
      return execve(file, argv, environment);
    const words = throughEnv(file, argv, ignored, blocked);
    if (words) return through(ENV, words, environment);
  }
  if (file === undefined) throw new Refusal('the path of its interpreter is not UTF-8');
  const ruby = throughRuby(rerun.executable, rerun.argv, rerun.environment, surroundings);
  // A SIGUSR1 that is pending would end this Ruby, too (see env.ts); it sets all signals by itself.
  const words = ['sh', '-c', 'trap "" USR1; exec "$@"', 'sh', file, ...ruby.argv.slice(1)];
  return through('/bin/sh', words, ruby.environment);
}

function replaceProcess(file: string, argv: string[], environment: Record<string, string>): never {
  if (!process.execve) throw new Error('this build of Node has no execve');
  const variables = Object.entries(environment).map(([name, value]) => fromText(`${name}=${value}`));
  requireAcceptableSize({ executable: fromText(file), argv: argv.map(fromText), environment: variables });
  return process.execve(file, argv, environment);
}

/** Opens what a rerun has as descriptors 0, 1 and 2. open(2) takes the lowest free number; execve of Node leaves these three open. */
function redirect(log: string): void {
  closeSync(0);
  openSync('/dev/null', constants.O_RDONLY);
  for (const descriptor of [1, 2]) {
    closeSync(descriptor);
    openSync(log, constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW);
  }
}
