import { dirname, join } from './path.ts';
import { readText } from './read.ts';
import { Refusal } from './refusal.ts';
import type { ChainRules } from './schedule/chain.ts';

/** What `again.json` says; see docs/DESIGN.md for each key. */
export interface Settings extends ChainRules {
  readonly puppetVersion: string;
  /** Upper bound of the random extra wait, in seconds. */
  readonly splay: number;
  /** Seconds after a run in which its script may start another one, 0 to 60. */
  readonly grace: number;
  /** What happens where a rerun cannot be had by nature. */
  readonly unsupported: 'fail' | 'warn';
}

/** The folder of this executable, which also holds its settings and its state. */
export function home(): string {
  return dirname(process.execPath);
}

/** @throws {Refusal} where the file is missing or says something that its template can't have written */
export function readSettings(folder = home()): Settings {
  const path = join(folder, 'again.json');
  let content: string;
  try {
    content = readText(path);
  } catch (error) {
    throw new Refusal(
      `the settings ${path} cannot be read (${(error as NodeJS.ErrnoException).code}): run Puppet once, it writes them`,
    );
  }
  return parseSettings(content, path);
}

export function parseSettings(content: string, path: string): Settings {
  let parsed: Record<string, unknown>;
  try {
    const value: unknown = JSON.parse(content);
    parsed = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    throw new Refusal(`the settings ${path} are not JSON: run Puppet once, it writes them anew`);
  }
  const integer = (key: string, least: number, most: number): number => {
    const value = parsed[key];
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw new Refusal(
      `the settings ${path} have ${key} = ${JSON.stringify(value)}, not an integer from ${least} to ${most}`,
    );
  };
  const version = parsed.puppet_version;
  return {
    puppetVersion: typeof version === 'string' ? version : '',
    burst: integer('burst', 0, 1000),
    maxDelay: integer('max_delay', 30, 86_400),
    limit: parsed.limit === null ? undefined : integer('limit', 1, 100_000),
    splay: integer('splay', 0, 86_400),
    grace: parsed.grace === undefined ? 3 : integer('grace', 0, 60),
    unsupported: parsed.unsupported === 'warn' ? 'warn' : 'fail',
  };
}
