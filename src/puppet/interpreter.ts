import type { Bytes } from '../os/bytes.ts';
import { basename } from '../os/path.ts';

/** A Ruby command line, taken apart at Puppet's script. */
export interface PuppetCommandLine {
  /** How many leading arguments are the interpreter, its options and the script. */
  readonly scriptEnd: number;
  /** `apply`, `agent`, …: Puppet takes only its first argument for one. */
  readonly subcommand: string | undefined;
  /** The words after the subcommand. */
  readonly rest: readonly Bytes[];
}

/** Ruby's options that take the next argument as their value when none is attached (ruby(1)). */
const RUBY_OPTIONS_WITH_VALUE = new Set([
  '-C',
  '-E',
  '-I',
  '-r',
  '--disable',
  '--enable',
  '--encoding',
  '--external-encoding',
  '--internal-encoding',
]);

/** Takes apart `ruby [options] …/puppet SUBCOMMAND …`; undefined where the script is not Puppet. */
export function parsePuppetCommandLine(argv: readonly Bytes[]): PuppetCommandLine | undefined {
  let at = 1;
  while (at < argv.length) {
    const argument = argv[at] as string;
    if (argument === '-' || hasCode(argument)) return undefined;
    if (argument === '--') {
      at += 1;
      break;
    }
    if (!argument.startsWith('-')) break;
    at += RUBY_OPTIONS_WITH_VALUE.has(argument) ? 2 : 1;
  }
  const script = argv[at];
  if (script === undefined || !['puppet', 'puppet.rb'].includes(basename(script))) return undefined;
  const subcommand = argv[at + 1];
  const named = subcommand !== undefined && !subcommand.startsWith('-') && !subcommand.endsWith('.pp');
  return {
    scriptEnd: at + 1,
    subcommand: named ? subcommand : undefined,
    rest: argv.slice(at + (named ? 2 : 1)),
  };
}

/** `-e CODE`, `-eCODE` or `-ne CODE`: Ruby runs what follows, and no script. */
function hasCode(argument: string): boolean {
  if (!argument.startsWith('-')) return false;
  for (const letter of argument.slice(1)) {
    if (letter === 'e') return true;
    if (!FLAGS_BEFORE_CODE.includes(letter)) return false;
  }
  return false;
}

/** Ruby's one-letter options that can stand in one word with others. */
const FLAGS_BEFORE_CODE = 'aclnpsSvwy';

/** Whether this image is a Ruby interpreter: `ruby`, `ruby3.1`, a vendored one, also one that was replaced. */
export function isRuby(image: Bytes): boolean {
  return basename(imagePath(image)).startsWith('ruby');
}

/**
 * Whether a process whose image is hidden may be a Ruby that runs Puppet, by what everyone may read.
 *
 * @param comm the kernel's name for it: that of the interpreter, or of the script that names it in its first line
 */
export function mayBeRuby(argv: readonly Bytes[], comm: string): boolean {
  return isRuby(argv[0] ?? ('' as Bytes)) || /^(?:ruby|bundle|puppet$|puppet\.rb$)/.test(comm);
}

/** The path of an image: the kernel appends ` (deleted)` when the file is gone or replaced (proc_pid_exe(5)). */
export function imagePath(image: Bytes): Bytes {
  return (image.endsWith(DELETED) ? image.slice(0, -DELETED.length) : image) as Bytes;
}

const DELETED = ' (deleted)';
