import type { Argv, CommandModule, FallbackCompletionFunction } from 'yargs';
import { handedOnBy } from '../os/handed-on.ts';
import { writeLine } from '../os/journal.ts';
import { oneLine, Refusal } from '../os/refusal.ts';
import { version } from '../os/version.ts';
import { canonicalArguments, isName, LONGEST_DELTA, parseDelta, type Request } from '../schedule/request.ts';
import { relay } from '../systemd/relay.ts';
import { printLicenses } from './licenses.ts';
import { PARSING, peopleCommands } from './people.ts';

/**
 * The command line for people, and for an Exec that calls `again` itself.
 *
 * @param others makes the commands of the room foreground/, which say what they exit with
 * @returns the exit code: 0, 1 for a refusal, 64 (EX_USAGE of sysexits(3)) for a wrong command line
 */
export async function commandLine(
  words: readonly string[],
  others: (exit: (code: number) => void) => CommandModule[],
): Promise<number> {
  let exitCode = 0;
  const exit = (code: number) => {
    exitCode = code;
  };
  const output = printsByNode(words) ? watchOutput() : undefined;
  const parser = (await withoutStreams(() => createParser(words)))
    .scriptName('again')
    .usage('$0 [COMMAND]\n\nRepeats the Puppet run that calls it, once that run has ended.')
    .command(
      '$0',
      'Ask for a rerun; only a Puppet run can',
      (command) =>
        command
          .option('name', {
            string: true,
            requiresArg: true,
            describe: 'Name of the rerun; a newer notification of the same name replaces it',
          })
          .option('delta', {
            string: true,
            requiresArg: true,
            describe: `Seconds to wait after the run's end, 0 to ${LONGEST_DELTA}`,
            defaultDescription: '0',
          })
          .option('start-timer-now', {
            boolean: true,
            describe: 'Count from now, not from the end of the run',
            default: false,
          })
          .option('licenses', {
            boolean: true,
            describe: 'Print the licences of Node.js and of all else that this executable holds',
          }),
      async ({ name, delta, 'start-timer-now': startTimerNow, licenses }) => {
        if (licenses) return printLicenses();
        exitCode = await notify({
          name: name === undefined ? undefined : checkedName(name),
          delta: delta === undefined ? 0 : checkedDelta(delta),
          startTimerNow,
        });
      },
    )
    .command([...peopleCommands(exit), ...others(exit)])
    .completion('completion-script', false, withoutDefault)
    .command('completion', 'Print the completion script for bash or zsh, whichever $SHELL is', {}, () => {
      // The types of yargs leave out the names that its hint for the installation shows.
      (
        parser as unknown as { showCompletionScript(name: string, command: string): void }
      ).showCompletionScript('again', 'completion');
    })
    .epilogue(
      "Puppet calls it: notify Exec['again'], Common::Again::Delta['…'] or Common::Again::When['…'] in a manifest.",
    )
    .parserConfiguration(PARSING)
    .check(({ _: [command], '--': afterDashes }) => {
      if (Array.isArray(afterDashes) && !TAKES_WORDS.has(String(command)))
        throw new Refusal(
          `no word after -- is taken here: ${afterDashes.join(' ')}; see \`again --help\``,
          64,
        );
      const odd = beforeDashes(words).find((word) => FLAG_WITH_VALUE.test(word));
      if (odd !== undefined) throw new Refusal(`${odd}: this option takes no value`, 64);
      return true;
    }, true)
    .detectLocale(false)
    .strict()
    .version(version)
    .help()
    .wrap(Math.min(80, output?.columns ?? 80))
    .exitProcess(false)
    .fail((message, error) => {
      throw error instanceof Refusal
        ? error
        : new Refusal(`${oneLine(message ?? error)}; see \`again --help\``, 64);
    });
  try {
    await parser.parseAsync();
    await output?.written();
    return exitCode;
  } catch (error) {
    if (hasReaderGone(error)) return exitCode;
    process.stderr.write(`again: ${oneLine(error)}\n`);
    return error instanceof Refusal ? error.exitCode : 1;
  }
}

async function createParser(words: readonly string[]): Promise<Argv> {
  const { default: yargs } = await import('yargs');
  return yargs([...words]);
}

const STREAMS = ['stdout', 'stderr'] as const;

/**
 * Does something while this process has no streams of Node. The parser asks standard output for its width when it is loaded. When it is created, it looks for a package.json, and Node asks
 * standard error for its colours where there is none. Node makes a stream at the first question: it then opens a terminal once more, or sets a pipe not to block, and `again run`
 * shares both with its runs.
 */
async function withoutStreams<Result>(work: () => Promise<Result>): Promise<Result> {
  const streams = STREAMS.map(
    (name) => [name, Object.getOwnPropertyDescriptor(process, name) ?? {}] as const,
  );
  for (const name of STREAMS) Object.defineProperty(process, name, { value: {}, configurable: true });
  try {
    return await work();
  } finally {
    for (const [name, stream] of streams) Object.defineProperty(process, name, stream);
  }
}

/** These leave standard output and its descriptor as they are, for Puppet, and write by system calls alone (foreground/screen.ts). */
const LEAVE_OUTPUT: ReadonlySet<string | undefined> = new Set(['run', 'wait']);

/** Whether a stream of Node prints what these words ask for: all but the commands of the room foreground/, whose help is printed as well. */
function printsByNode(words: readonly string[]): boolean {
  const [command, ...options] = beforeDashes(words);
  return !LEAVE_OUTPUT.has(command) || options.some((word) => /^(--)?(help|version)\b/.test(word));
}

/** Standard output: the width of a terminal, and a failure, which is thrown by `written`, when all else is done. */
function watchOutput(): { readonly columns: number | undefined; written(): Promise<void> } {
  let failure: Error | undefined;
  process.stdout.on('error', (error) => {
    failure ??= error;
  });
  return {
    columns: process.stdout.columns,
    async written() {
      // Node writes to files, pipes and terminals at once, and tells a failure a moment later.
      await new Promise((resolve) => setImmediate(resolve));
      if (failure) throw failure;
    },
  };
}

/** Whether the reader of the output has ended, as below `| head -n 1`: that is no error. */
function hasReaderGone(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'EPIPE';
}

function beforeDashes(words: readonly string[]): readonly string[] {
  const dashes = words.indexOf('--');
  return dashes < 0 ? words : words.slice(0, dashes);
}

/** The commands that take words after `--`. */
const TAKES_WORDS: ReadonlySet<string> = new Set(['cancel', 'hold', 'log', 'now', 'run']);

/** yargs takes any value of a flag for false. */
const FLAG_WITH_VALUE =
  /^--(all|check|follow|hold|init|json|licenses|quiet|start-timer-now|stdin|this-run)=(?!true$|false$)/;

/** The default command has no name that a person could type. */
const withoutDefault: FallbackCompletionFunction = (_current, _argv, all, done) => {
  all((_error, completions) => done((completions ?? []).filter((word) => !word.startsWith('$0'))));
};

async function notify(request: Request): Promise<number> {
  const args = [...canonicalArguments(request), '--parent', String(process.ppid)];
  const {
    exitCode,
    text,
    journal = [],
  } = await relay({
    file: process.execPath,
    args,
    environment: handedOnBy(process.env),
    failure: 'the waiter could not be started',
  });
  (exitCode === 0 ? process.stdout : process.stderr).write(`${text}\n`);
  journal.forEach(writeLine);
  return exitCode;
}

function checkedName(name: string): string {
  if (isName(name)) return name;
  throw new Refusal(`--name ${JSON.stringify(name)}: must be 1 to 255 characters on one line`, 64);
}

function checkedDelta(text: string): number {
  const delta = parseDelta(text);
  if (delta !== undefined) return delta;
  throw new Refusal(
    `--delta ${JSON.stringify(text)}: must be a whole number of seconds from 0 to ${LONGEST_DELTA}`,
    64,
  );
}
