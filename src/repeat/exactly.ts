import { type Bytes, toText } from '../os/bytes.ts';

/** Signals that Node ignores from its start, and that a JavaScript handler lets execve(2) reset: SIGPIPE and SIGXFSZ. */
const RESETTABLE = (1n << 12n) | (1n << 24n);

/** Whether Node's execve can pass these arguments on as they are. */
export function textArguments(argv: readonly Bytes[]): string[] | undefined {
  const texts = argv.map(toText);
  return texts.includes(undefined) ? undefined : (texts as string[]);
}

/**
 * The environment as the object that Node's execve takes, or undefined where that would change it: bytes that are not UTF-8, entries
 * without `=`, repeated names, and names like `5`, which objects list first whatever their order was.
 */
export function textEnvironment(environment: readonly Bytes[]): Record<string, string> | undefined {
  const variables: Record<string, string> = Object.create(null);
  for (const entry of environment) {
    const decoded = toText(entry);
    const equals = decoded?.indexOf('=') ?? -1;
    if (decoded === undefined || equals < 1) return undefined;
    const name = decoded.slice(0, equals);
    if (name in variables || /^\d+$/.test(name)) return undefined;
    variables[name] = decoded.slice(equals + 1);
  }
  return variables;
}

/**
 * Whether Node can give the rerun these signal sets: nothing blocked, and nothing ignored but what Node ignores itself and what this process has
 * ignored from its start.
 *
 * @param inherited what this process ignores
 */
export function nodeCanSetSignals(ignored: bigint, blocked: bigint, inherited: bigint): boolean {
  return blocked === 0n && (ignored & ~RESETTABLE) === (inherited & ~RESETTABLE);
}
