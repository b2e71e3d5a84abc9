import type { CommandModule } from 'yargs';
import { Refusal } from '../os/refusal.ts';
import { LONGEST_DELTA } from '../schedule/request.ts';
import { initArguments } from './init.ts';
import { runInForeground } from './run.ts';
import { waitUntilQuiet } from './wait.ts';

/** Seconds of `--max-wait` where nothing is said. */
const DEFAULT_MAX_WAIT = 600;
const MOST_RERUNS = 100_000;

interface RunArguments {
  readonly timeout: string | undefined;
  readonly 'kill-after': string | undefined;
  readonly 'max-wait': string | undefined;
  readonly limit: string | undefined;
  readonly init: boolean;
  readonly stdin: boolean;
}

const seconds = (describe: string, defaultDescription?: string) =>
  ({ string: true, requiresArg: true, describe, ...(defaultDescription && { defaultDescription }) }) as const;

/**
 * `again run` and `again wait`, whose exit code goes to `exit`.
 *
 * @param words the whole command line: the command stands behind its `--`, and `--init` hands all of it on
 */
export function foregroundCommands(words: readonly string[], exit: (code: number) => void): CommandModule[] {
  const run: CommandModule<object, RunArguments> = {
    command: 'run',
    describe: 'Run a Puppet command here, and again until it asks for no further run',
    builder: (command) =>
      command
        .usage(
          'again run [OPTIONS] -- COMMAND [ARGUMENTS]\n\nRuns a Puppet command here, and again until it asks for no further run. Exit code: that of the last run; 124 after --timeout, 125 at the limit, 128+N after a signal.',
        )
        .option(
          'timeout',
          seconds('Seconds for all runs: no new one starts after that (exit code 124)', 'none'),
        )
        .option(
          'kill-after',
          seconds('Seconds after --timeout at which a run that has not ended is killed', 'never'),
        )
        .option(
          'max-wait',
          seconds(
            'Longest wait for a delta or a condition, in seconds; after that there is no rerun for it',
            String(DEFAULT_MAX_WAIT),
          ),
        )
        .option('limit', {
          string: true,
          requiresArg: true,
          describe: 'Most reruns (exit code 125 after that)',
          defaultDescription: "the class's limit, else 20",
        })
        .option('init', {
          boolean: true,
          default: false,
          describe: 'As process 1 of a container: also reap orphaned processes',
        })
        .option('stdin', {
          boolean: true,
          default: false,
          describe: 'Read standard input first, and give it to each run: for a manifest behind a wrapper',
        }) as never,
    async handler({ init, stdin, ...given }) {
      const command = words.includes('--') ? words.slice(words.indexOf('--') + 1) : [];
      if (command.length === 0)
        throw new Refusal(
          'say `--` and the command after the options: `again run -- puppet apply site.pp`',
          64,
        );
      const options = {
        command,
        stdin,
        timeout: number('--timeout', given.timeout),
        killAfter: number('--kill-after', given['kill-after']),
        maxWait: number('--max-wait', given['max-wait']) ?? DEFAULT_MAX_WAIT,
        limit: number('--limit', given.limit, MOST_RERUNS),
      };
      if (options.killAfter !== undefined && options.timeout === undefined)
        throw new Refusal('--kill-after counts from the end of --timeout: say that, too', 64);
      if (init && process.pid === 1) becomeInit(words);
      exit(await runInForeground(options));
    },
  };
  const wait: CommandModule<object, Pick<RunArguments, 'timeout' | 'max-wait'> & { quiet: boolean }> = {
    command: 'wait',
    describe: 'Block until nothing is pending and no rerun is going',
    builder: (command) =>
      command
        .epilogue(
          'Exit code: 0 if the last rerun ended well or there was none, 4 if it failed, 5 if its result is not known, 124 after --timeout.',
        )
        .option('timeout', seconds('Seconds after which it gives up (exit code 124)', 'none'))
        .option(
          'max-wait',
          seconds('Longest wait for one rerun, in seconds: those due later are not waited for', 'no limit'),
        )
        .option('quiet', { alias: 'q', boolean: true, default: false, describe: 'Say nothing' }) as never,
    async handler({ timeout, 'max-wait': maxWait, quiet }) {
      exit(
        await waitUntilQuiet({
          timeout: number('--timeout', timeout),
          maxWait: number('--max-wait', maxWait),
          quiet,
        }),
      );
    },
  };
  return [run, wait] as unknown as CommandModule[];
}

function number(option: string, text: string | undefined, most = LONGEST_DELTA): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= most) return value;
  throw new Refusal(`${option} ${JSON.stringify(text)}: must be a whole number from 0 to ${most}`, 64);
}

/** Does not return: this process becomes a shell that has `again run` as its child. */
function becomeInit(words: readonly string[]): void {
  const end = words.indexOf('--');
  const args = words.filter((word, at) => at > end || word !== '--init');
  // A handler lets execve(2) reset what Node ignores.
  for (const signal of ['SIGPIPE', 'SIGXFSZ'] as const) process.on(signal, () => {});
  process.execve?.('/bin/sh', initArguments(process.execPath, args), process.env);
}
