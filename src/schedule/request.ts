import { type Condition, parseCondition } from './condition.ts';

/** The request that one call of the helper makes. */
export interface Request {
  /** Of the delta or the `when`; undefined for `Exec['again']`. */
  readonly name: string | undefined;
  /** Seconds. */
  readonly delta: number;
  readonly startTimerNow: boolean;
  /** Of a `when`: what must hold before it is due. */
  readonly condition?: Condition;
}

/** The arguments of the process that is to be the waiter. */
export interface WaiterRequest extends Request {
  /** The process that Puppet started, or Puppet itself; 0 for one outside of this PID namespace. */
  readonly parent: number;
}

/** Ten years. */
export const LONGEST_DELTA = 315_360_000;

/** A delta as the command line has it: a decimal integer from 0 to 315360000. `undefined` for anything else. */
export function parseDelta(text: string): number | undefined {
  const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  return value <= LONGEST_DELTA ? value : undefined;
}

/** A name as the command line has it: 1 to 255 characters, none of them a control character. */
export function isName(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a name must not have
  return text !== '' && [...text].length <= 255 && !/[\u0000-\u001f\u007f]/.test(text);
}

/**
 * Reads the command line in the one form in which the module writes it, or undefined where it is anything else: then the parser of `cli/`
 * reads it. So every notification pays only for this, not for a whole parser.
 *
 * @param words the condition, where the arguments say that there is one: its words are in no argument list
 */
export function parseCanonical(args: readonly string[], words = ''): WaiterRequest | undefined {
  let name: string | undefined;
  let delta = 0;
  let startTimerNow = false;
  let parent = Number.NaN;
  let condition: Condition | undefined;
  for (let at = 0; at < args.length; at += 1) {
    const value = () => {
      at += 1;
      return args[at] ?? '';
    };
    switch (args[at]) {
      case '--name':
        name = value();
        if (!isName(name)) return undefined;
        break;
      case '--name-hex':
        name = Buffer.from(value(), 'hex').toString();
        if (!isName(name)) return undefined;
        break;
      case '--delta': {
        const seconds = parseDelta(value());
        if (seconds === undefined) return undefined;
        delta = seconds;
        break;
      }
      case '--start-timer-now':
        startTimerNow = true;
        break;
      case '--when':
        condition = parseCondition(words);
        if (!condition) return undefined;
        break;
      case '--parent':
        parent = Number(value() || Number.NaN);
        break;
      default:
        return undefined;
    }
  }
  if (!Number.isSafeInteger(parent) || parent < 0) return undefined;
  // The wait of a `when` counts from the end of its run.
  if (condition && startTimerNow) return undefined;
  return { name, delta, startTimerNow, parent, ...(condition && { condition }) };
}

/** The same form, of a whole waiter, for a program that may expand what looks like a variable: the name's bytes are then in hexadecimal (`--name-hex`). */
export function plainArguments(request: WaiterRequest): string[] {
  const { name, parent } = request;
  const isPlain = name === undefined || !/[$%]/.test(name);
  return [
    ...(isPlain ? [] : ['--name-hex', Buffer.from(name).toString('hex')]),
    ...canonicalArguments(isPlain ? request : { ...request, name: undefined }),
    '--parent',
    String(parent),
  ];
}

/** The same form, from a request. */
export function canonicalArguments({
  name,
  delta,
  startTimerNow,
  condition,
}: Pick<Request, 'name' | 'delta' | 'startTimerNow'> & { readonly condition?: unknown }): string[] {
  return [
    ...(name === undefined ? [] : ['--name', name]),
    ...(delta === 0 ? [] : ['--delta', String(delta)]),
    ...(startTimerNow ? ['--start-timer-now'] : []),
    ...(condition === undefined ? [] : ['--when']),
  ];
}
