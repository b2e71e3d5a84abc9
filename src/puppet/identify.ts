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
  return identify(ancestry, user, identifyDirect, refuseRewritten);
}

/**
 * The same for an `again run`, which knows its command itself: a manifest from standard input and `bundle exec` are fine there. Undefined where there is no run, or
 * one that can't be told to be below it; {@link identifyRun} then says why.
 */
export function identifyForForeground(ancestry: readonly ProcessSnapshot[], user: number): Run | undefined {
  try {
    return identify(ancestry, user, identifyAnyManifest, (process) => identifyTitle(process, user));
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

function identify(
  ancestry: Iterable<ProcessSnapshot>,
  user: number,
  direct: (process: ProcessSnapshot, commandLine: PuppetCommandLine) => Run,
  rewritten: (process: ProcessSnapshot) => Run | undefined,
): Run {
  let child: ProcessSnapshot | undefined;
  for (const candidate of ancestry) {
    const run = child && identifyDaemon(child, candidate);
    if (child && run) {
      refuseOtherUser(child, user);
      return run;
    }
    const titled = child && rewritten(child);
    if (titled) return titled;
    child = undefined;
    refuseBolt(candidate);
    if (!isRuby(candidate.image ?? candidate.argv[0] ?? ('' as Bytes))) continue;
    const commandLine = parsePuppetCommandLine(candidate.argv);
    if (commandLine) {
      refuseOtherUser(candidate, user);
      return direct(candidate, commandLine);
    }
    if (isRewritten(candidate.argv)) child = candidate;
  }
  const titled = child && rewritten(child);
  if (titled) return titled;
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

/** The way out where a run can't be repeated in the background. */
export const IN_THE_FOREGROUND = 'start it by `again run -- COMMAND`';

/** Refuses a process that wrote over its arguments and is no run of a daemon, where that was a Puppet. */
function refuseRewritten(process: ProcessSnapshot): undefined {
  const { id, argv } = process;
  if (!/puppet.*\s/i.test(argv[0] ?? '')) return undefined;
  // The name that a daemon's run gives itself (lib/puppet/agent.rb); its activity follows, in the language of the machine.
  if (/^puppet agent: /.test(argv[0] ?? '')) throw new OrphanedRun(process);
  throw new Unsupported(
    `the command line of Puppet (pid ${id.pid}, "${shorten(argv[0])}") was rewritten, as \`bundle exec\` does, ` +
      `so it cannot be repeated: start Puppet without it, or ${IN_THE_FOREGROUND}`,
  );
}

/**
 * The arguments of a Puppet that `bundle exec` has made a title of, from the script's name on and joined by spaces: good enough to tell what it is, not to repeat it.
 */
export function argvOfTitle({ argv }: ProcessSnapshot): Bytes[] {
  return ['ruby', ...(argv[0] ?? '').trim().split(' ')] as Bytes[];
}

function identifyTitle(process: ProcessSnapshot, user: number): Run | undefined {
  const argv = argvOfTitle(process);
  const commandLine = parsePuppetCommandLine(argv);
  if (!commandLine) return refuseRewritten(process);
  refuseOtherUser(process, user);
  return identifyAnyManifest({ ...process, argv }, commandLine);
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
  const run = identifyAnyManifest(process, commandLine);
  return run.mode === 'apply' ? { ...run, manifest: repeatableManifest(process, run.arguments) } : run;
}

function identifyAnyManifest(process: ProcessSnapshot, commandLine: PuppetCommandLine): Run {
  const base = describe(process, process, commandLine);
  if (commandLine.subcommand === 'apply') return { ...base, mode: 'apply', manifest: undefined };
  if (commandLine.subcommand === 'agent') {
    // A daemon leaves each run to a child with a title of its own; a process that still has its arguments is a single run, whether
    // the command line or puppet.conf says so (application/agent.rb, `Puppet::Agent.new(…, !Puppet[:onetime])`).
    return { ...base, mode: 'agent' };
  }
  throw new Refusal(
    `\`puppet ${commandLine.subcommand ?? ''}\` (pid ${process.id.pid}) cannot be repeated: only \`puppet apply\` and \`puppet agent\` can`,
  );
}

/** Whether an agent's command line asks for one run, and not for a daemon. puppet.conf may ask for that, too (`PuppetSettings`). */
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
  const run = describe(child, daemon, commandLine);
  // A single run forks no other one: that is a Puppet of its own, which `bundle exec` has started in it.
  return isSingle(run.arguments) ? undefined : { ...run, mode: 'daemon' };
}

/** The run as one of a daemon that did not fork it; undefined where that process is no daemon of Puppet's. */
export function describeRunOf(child: ProcessSnapshot, daemon: ProcessSnapshot): Run | undefined {
  const commandLine = parsePuppetCommandLine(daemon.argv);
  if (commandLine?.subcommand !== 'agent' || !isRuby(daemon.image ?? ('' as Bytes))) return undefined;
  const run = describe(child, daemon, commandLine);
  return isSingle(run.arguments) ? undefined : { ...run, mode: 'daemon' };
}

/** The outermost Puppet run in which another one is nested, of any user: an exec of that run has started it. A daemon is no run, its child is one. */
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

/** The interpreter's file. A user who may not see it is refused before it is used. */
function pathOf(process: ProcessSnapshot): Bytes {
  return imagePath(process.image ?? ('' as Bytes));
}

/**
 * The file that `puppet apply` reads (application/apply.rb): `--catalog`, else none for `-e`, else the first operand, else standard
 * input. Undefined also where the command line does not tell for certain: then nothing is refused, and nothing is looked for later.
 */
function repeatableManifest(process: ProcessSnapshot, args: readonly Argument[]): Bytes | undefined {
  const source = manifestSource(args);
  if (source.kind === 'none') return undefined;
  if (source.kind === 'input') {
    const { catalog, file } = source;
    throw new Unsupported(
      `the ${catalog ? 'catalog' : 'manifest'} of this run (pid ${process.id.pid}) was read from ` +
        `${file === undefined || file === '-' ? 'standard input' : toDisplay(file)} and cannot be read again: put it into a file, or ${IN_THE_FOREGROUND}`,
    );
  }
  return source.file;
}

/** Where `puppet apply` has its manifest, or its catalog, from. */
export type ManifestSource =
  /** From `-e`, or it can't be told for certain. */
  | { readonly kind: 'none' }
  /** `file` is undefined for standard input that is not named. */
  | { readonly kind: 'input'; readonly catalog: boolean; readonly file: Bytes | undefined }
  | { readonly kind: 'file'; readonly file: Bytes };

export function manifestSource(args: readonly Argument[]): ManifestSource {
  if (!isSure(args)) return { kind: 'none' };
  const operand = args.find(({ name }) => name === undefined);
  const catalog = lastValue(args, 'catalog');
  if (catalog === undefined && lastValue(args, 'execute') !== undefined) return { kind: 'none' };
  // With POSIXLY_CORRECT in the environment, an option after the operand is none.
  if (catalog !== undefined && operand && args.some(({ name, at }) => name === 'catalog' && at > operand.at))
    return { kind: 'none' };
  const file = (catalog ?? operand?.value) as Bytes | undefined;
  const isInput =
    file === undefined ||
    (file === '-' && catalog !== undefined) ||
    /^\/(dev\/(stdin$|fd\/)|proc\/(self|thread-self|\d+)\/fd\/)/.test(String(file));
  return isInput ? { kind: 'input', catalog: catalog !== undefined, file } : { kind: 'file', file };
}

function shorten(title: Bytes | undefined): string {
  const shown = toDisplay(title ?? ('' as Bytes)).trim();
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}
