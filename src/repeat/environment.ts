import { type Bytes, fromText, toText } from '../os/bytes.ts';
import type { ChainLink } from '../schedule/chain.ts';

/** Names the process that the other variables are meant for. */
const PROCESS = 'AGAIN_PROCESS';
const CHAIN = 'AGAIN_CHAIN';
const LINK = 'AGAIN_LINK';

/** The process that variables are meant for: children inherit them, and must ignore them. */
export function processName(id: { pid: number; start: number }, boot: string): string {
  return `${id.pid}:${id.start}:${boot}`;
}

/** The environment of a rerun: the run's, byte for byte and in its order, with its own chain variables at the end. */
export function rerunEnvironment(environment: readonly Bytes[], link: ChainLink, name: string): Bytes[] {
  const isOurs = (entry: Bytes) => [PROCESS, CHAIN, LINK].some((name) => entry.startsWith(`${name}=`));
  const inherited = environment.filter((entry) => !isOurs(entry));
  return [
    ...inherited,
    ...[`${CHAIN}=${link.chain}`, `${LINK}=${link.link}`, `${PROCESS}=${name}`].map(fromText),
  ];
}

/** The run's environment for what a waiter starts by Node, which takes text alone: a variable that is not UTF-8 is left out. Of two of a name, the first counts (getenv(3)). */
export function checkEnvironment(environment: readonly Bytes[]): Record<string, string> {
  const variables: Record<string, string> = Object.create(null);
  for (const entry of environment) {
    const text = toText(entry) ?? '';
    const equals = text.indexOf('=');
    if (equals > 0) variables[text.slice(0, equals)] ??= text.slice(equals + 1);
  }
  return variables;
}

/** The link that a run is, or undefined where its variables are not there, or meant for another process. */
export function chainLinkOf(environment: readonly Bytes[], name: string): ChainLink | undefined {
  const value = (variable: string) =>
    environment.findLast((entry) => entry.startsWith(`${variable}=`))?.slice(variable.length + 1);
  const chain = value(CHAIN);
  const link = Number(value(LINK));
  if (value(PROCESS) !== name || !chain || !/^[0-9a-f]{1,32}$/.test(chain)) return undefined;
  return Number.isSafeInteger(link) && link > 0 ? { chain, link } : undefined;
}
