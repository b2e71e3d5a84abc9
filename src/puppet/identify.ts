import { type Bytes, toDisplay } from '../os/bytes.ts';
import type { ProcessId, ProcessSnapshot } from '../os/process.ts';
import { Refusal, Unsupported } from '../os/refusal.ts';
import { type Argument, flag, isSure, lastValue, parseArguments, text } from './arguments.ts';
import { imagePath, isRuby, type PuppetCommandLine, parsePuppetCommandLine } from './interpreter.ts';
import type { Run } from './run.ts';
import type { PuppetSettings } from './settings.ts';

/** The run of a daemon that has ended meanwhile: the run itself has restarted or upgraded its own service. */
export class OrphanedRun extends Refusal {
  readonly run: ProcessSnapshot;

  constructor(run: ProcessSnapshot) {
    super(
      `the daemon of this Puppet run (pid ${run.id.pid}) has ended, and there is no other one whose arguments the rerun could have: ` +
        'start the agent, and its first run takes the place of the rerun',
    );
    this.run = run;
  }
}

/**
 * Tells which of these ancestors (nearest first) is the Puppet run, and what kind of run it is.
 *
 * @throws {OrphanedRun} where the daemon of a run is gone
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
    refuseBolt(candidate);
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

export function refuseOtherUser(run: ProcessSnapshot, user: number): void {
  const { realUser, effectiveUser } = run.status;
  if (realUser === user && effectiveUser === user) return;
  throw new Refusal(
    `the Puppet run (pid ${run.id.pid}) belongs to user ${effectiveUser}, this process to user ${user}: ` +
      'only the user of a run can have it repeated',
  );
}

/** Refuses a process that wrote over its arguments and is no run of a daemon, where that was a Puppet. */
function refuseRewritten(process: ProcessSnapshot): void {
  const { id, argv } = process;
  if (!/puppet.*\s/i.test(argv[0] ?? '')) return;
  // The name that a daemon's run gives itself (lib/puppet/agent.rb); what it does follows, in the language of the machine.
  if (/^puppet agent: /.test(argv[0] ?? '')) throw new OrphanedRun(process);
  throw new Unsupported(
    `the command line of Puppet (pid ${id.pid}, "${shorten(argv[0])}") was rewritten, as \`bundle exec\` does, ` +
      'so it cannot be repeated: start Puppet without it',
  );
}

/** `bolt apply` compiles elsewhere, and applies by a script of its own that it removes afterwards (libexec/apply_catalog.rb of Bolt). */
function refuseBolt({ id, argv }: ProcessSnapshot): void {
  if (!argv.slice(1).some((argument) => /(^|\/)apply_catalog\.rb$/.test(argument))) return;
  throw new Unsupported(
    `this run (pid ${id.pid}) is one of \`bolt apply\`, which brings its catalog along and cannot be repeated from here: run Bolt again`,
  );
}

/** A process that wrote its title over its arguments has one text and then, at most, NULs (setproctitle(3)). */
export function isRewritten(argv: readonly Bytes[]): boolean {
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

/** Whether an agent is asked for one run, and not to be a daemon. */
export function isSingle(args: readonly Argument[]): boolean {
  return flag(args, 'onetime') === true || flag(args, 'test') === true;
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

/** The run as one of a daemon that did not fork it; undefined where that process is no daemon of Puppet's. */
export function describeRunOf(child: ProcessSnapshot, daemon: ProcessSnapshot): Run | undefined {
  const commandLine = parsePuppetCommandLine(daemon.argv);
  if (commandLine?.subcommand !== 'agent' || !isRuby(daemon.image ?? ('' as Bytes))) return undefined;
  const run = describe(child, daemon, commandLine);
  return isSingle(run.arguments) ? undefined : { ...run, mode: 'daemon' };
}

/** The outermost Puppet run in which another one is nested, whosever it is: an exec of that has started it. A daemon is no run, its child is one. */
export function findOuterRun(ancestry: readonly ProcessSnapshot[], run: Run): ProcessId | undefined {
  const above = ancestry.slice(ancestry.findIndex(({ id }) => id.pid === run.source.pid) + 1);
  const enclosing = above.filter((candidate, at) => {
    const commandLine = parsePuppetCommandLine(candidate.argv);
    if (commandLine?.subcommand === 'apply') return true;
    if (commandLine?.subcommand === 'agent') return isSingle(parseArguments(commandLine.rest, 'agent'));
    const parent = above[at + 1];
    return (
      isRewritten(candidate.argv) && parent !== undefined && identifyDaemon(candidate, parent) !== undefined
    );
  });
  return enclosing.at(-1)?.id;
}

/** Whether a run with these arguments and settings applies all of its catalog. */
export function leavesNothingOut(args: readonly Argument[], settings: PuppetSettings): boolean {
  return !settings.noop && !settings.tagged && !['tags', 'skip_tags'].some((name) => text(args, name));
}

export function describe(run: ProcessSnapshot, source: ProcessSnapshot, commandLine: PuppetCommandLine) {
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
    throw new Unsupported(
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
