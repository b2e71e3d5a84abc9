import { type Bytes, toDisplay } from '../bytes.ts';
import type { ProcessSnapshot } from '../proc/process.ts';
import { type Argument, isSure, lastValue, parseArguments } from '../puppet/arguments.ts';
import { imagePath, isRuby, type PuppetCommandLine, parsePuppetCommandLine } from '../puppet/interpreter.ts';
import { Refusal } from '../refusal.ts';
import type { Run } from './types.ts';

/**
 * Tells which of these ancestors (nearest first) is the Puppet run, and what kind of run it is.
 *
 * @throws {Refusal} where there is none, or where it is one that can't be repeated.
 */
export function identifyRun(ancestry: Iterable<ProcessSnapshot>, user: number): Run {
  let child: ProcessSnapshot | undefined;
  for (const candidate of ancestry) {
    const run = child && identifyDaemon(child, candidate);
    if (child && run) {
      refuseOtherUser(child, user);
      return run;
    }
    if (child) refuseRewritten(child);
    child = undefined;
    if (!isRuby(candidate.image ?? candidate.argv[0] ?? ('' as Bytes))) continue;
    const commandLine = parsePuppetCommandLine(candidate.argv);
    if (commandLine) {
      refuseOtherUser(candidate, user);
      return identifyDirect(candidate, commandLine);
    }
    if (isRewritten(candidate.argv)) child = candidate;
  }
  if (child) refuseRewritten(child);
  throw new Refusal(
    'not started by Puppet: no `puppet apply` or `puppet agent` run among the ancestors of this process; ' +
      "notify Exec['again'] in a manifest, or see `again --help`",
  );
}

function refuseOtherUser(run: ProcessSnapshot, user: number): void {
  const { realUser, effectiveUser } = run.status;
  if (realUser === user && effectiveUser === user) return;
  throw new Refusal(
    `the Puppet run (pid ${run.id.pid}) belongs to user ${effectiveUser}, this process to user ${user}: ` +
      'only the user of a run can have it repeated',
  );
}

/** Refuses a process that wrote over its arguments and is no run of a daemon, where that was a Puppet. */
function refuseRewritten({ id, argv }: ProcessSnapshot): void {
  if (!/puppet.*\s/i.test(argv[0] ?? '')) return;
  throw new Refusal(
    `the command line of Puppet (pid ${id.pid}, "${shorten(argv[0])}") was rewritten, as \`bundle exec\` does, ` +
      'so it cannot be repeated: start Puppet without it',
  );
}

/** A process that wrote its title over its arguments has one text and then, at most, NULs (setproctitle(3)). */
function isRewritten(argv: readonly Bytes[]): boolean {
  return argv.slice(1).every((argument) => argument === '');
}

function identifyDirect(process: ProcessSnapshot, commandLine: PuppetCommandLine): Run {
  const base = describe(process, process, commandLine);
  if (commandLine.subcommand === 'apply') {
    return { ...base, mode: 'apply', manifest: repeatableManifest(process, base.arguments) };
  }
  if (commandLine.subcommand === 'agent') {
    // A daemon leaves each run to a child with a title of its own; a process that still has its arguments is a single run, whether
    // the command line or puppet.conf says so (application/agent.rb, `Puppet::Agent.new(…, !Puppet[:onetime])`).
    return { ...base, mode: 'agent' };
  }
  throw new Refusal(
    `\`puppet ${commandLine.subcommand ?? ''}\` (pid ${process.id.pid}) cannot be repeated: only \`puppet apply\` and \`puppet agent\` can`,
  );
}

/**
 * The daemon forks a child per run, which overwrites its own arguments and the start of its environment with a title (translated,
 * so not compared here). Its parent has them whole.
 */
function identifyDaemon(child: ProcessSnapshot, daemon: ProcessSnapshot): Run | undefined {
  const commandLine = parsePuppetCommandLine(daemon.argv);
  if (commandLine?.subcommand !== 'agent' || pathOf(daemon) !== pathOf(child)) return undefined;
  return { ...describe(child, daemon, commandLine), mode: 'daemon' };
}

function describe(run: ProcessSnapshot, source: ProcessSnapshot, commandLine: PuppetCommandLine) {
  return {
    process: run.id,
    source: source.id,
    executable: pathOf(source),
    argv: source.argv,
    prefix: source.argv.length - commandLine.rest.length,
    arguments: parseArguments(commandLine.rest, commandLine.subcommand === 'apply' ? 'apply' : 'agent'),
  };
}

/** The interpreter's file. Who may not see it has been refused before it is used. */
function pathOf(process: ProcessSnapshot): Bytes {
  return imagePath(process.image ?? ('' as Bytes));
}

/**
 * The file that `puppet apply` reads (application/apply.rb): `--catalog`, else none for `-e`, else the first operand, else standard
 * input. Undefined also where the command line does not tell for certain: then nothing is refused, and nothing is looked for later.
 */
function repeatableManifest(process: ProcessSnapshot, args: readonly Argument[]): Bytes | undefined {
  if (!isSure(args)) return undefined;
  const operand = args.find(({ name }) => name === undefined);
  const catalog = lastValue(args, 'catalog');
  if (catalog === undefined && lastValue(args, 'execute') !== undefined) return undefined;
  // With POSIXLY_CORRECT in the environment, an option after the operand is none.
  if (catalog !== undefined && operand && args.some(({ name, at }) => name === 'catalog' && at > operand.at))
    return undefined;
  const file = catalog ?? operand?.value;
  const isInput =
    file === undefined ||
    (file === '-' && catalog !== undefined) ||
    /^\/(dev\/(stdin$|fd\/)|proc\/(self|thread-self|\d+)\/fd\/)/.test(String(file));
  if (isInput) {
    throw new Refusal(
      `the ${catalog === undefined ? 'manifest' : 'catalog'} of this run (pid ${process.id.pid}) was read from ` +
        `${file === undefined || file === '-' ? 'standard input' : toDisplay(file as Bytes)} and cannot be read again: put it into a file`,
    );
  }
  return file as Bytes;
}

function shorten(title: Bytes | undefined): string {
  const shown = toDisplay(title ?? ('' as Bytes)).trim();
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}
