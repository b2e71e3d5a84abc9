import yargs from 'yargs';
import { oneLine, Refusal } from '../refusal.ts';
import { relay } from '../relay.ts';
import { canonicalArguments, isName, LONGEST_DELTA, parseDelta, type Request } from '../request.ts';
import { version } from '../version.ts';

/**
 * The command line for people, and for an Exec that calls `again` itself.
 *
 * @returns the exit code: 0, 1 for a refusal, 64 (EX_USAGE of sysexits(3)) for a wrong command line
 */
export async function commandLine(words: readonly string[]): Promise<number> {
  try {
    const request = await parse(words);
    if (!request) return 0;
    const args = [...canonicalArguments(request), '--parent', String(process.ppid)];
    const { exitCode, text } = await relay({ file: process.execPath, args, environment: {} });
    (exitCode === 0 ? process.stdout : process.stderr).write(`${text}\n`);
    return exitCode;
  } catch (error) {
    process.stderr.write(`again: ${oneLine(error)}\n`);
    return error instanceof Refusal ? error.exitCode : 1;
  }
}

/** What is asked for; undefined where `--help` or `--version` has been answered. */
async function parse(words: readonly string[]): Promise<Request | undefined> {
  const parser = yargs([...words])
    .scriptName('again')
    .usage(
      '$0 [--name NAME] [--delta SECONDS] [--start-timer-now]\n\nHas the Puppet run that calls it run again, once it has ended.',
    )
    .option('name', {
      string: true,
      requiresArg: true,
      describe: 'Name of what is pending; a newer notification of the same name replaces it',
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
    .epilogue("Puppet calls it: notify Exec['again'] or Common::Again::Delta['…'] in a manifest.")
    .parserConfiguration({
      'duplicate-arguments-array': false,
      'boolean-negation': false,
      'camel-case-expansion': false,
    })
    .strict()
    .version(version)
    .help()
    .wrap(Math.min(80, process.stdout.columns ?? 80))
    .exitProcess(false)
    .fail((message, error) => {
      throw new Refusal(`${oneLine(message ?? error)}; see \`again --help\``, 64);
    });
  const parsed = await parser.parseAsync();
  if (parsed.help === true || parsed.version === true) return undefined;
  return {
    name: parsed.name === undefined ? undefined : checkedName(parsed.name),
    delta: parsed.delta === undefined ? 0 : checkedDelta(parsed.delta),
    startTimerNow: parsed['start-timer-now'],
  };
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
