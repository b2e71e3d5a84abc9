import { dirname, join } from '../os/path.ts';
import { readText } from '../os/read.ts';
import { Refusal } from '../os/refusal.ts';
import type { ChainRules } from '../schedule/chain.ts';

/** The content of `again.json`; see docs/DESIGN.md for each key. */
export interface Settings extends ChainRules {
  readonly puppetVersion: string;
  /** Upper bound of the random extra wait, in seconds. */
  readonly splay: number;
  /** Least time from a run's end to its rerun, in seconds, 0 to 60. */
  readonly grace: number;
  /** The answer of a notification where a rerun is impossible: fail, or print a warning and succeed. */
  readonly unsupported: 'fail' | 'warn';
  /** Where the output of reruns goes. */
  readonly logdest: 'file' | 'journal';
  /** Whether a run in a service is repeated by its command, or by its unit. */
  readonly rerun: 'command' | 'unit';
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
    throw new Refusal(`the settings ${path} are not JSON: run Puppet once, and they are written`);
  }
  const integer = (key: string, least: number, most: number): number => {
    const value = parsed[key];
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw new Refusal(
      `the settings ${path} have ${key} = ${JSON.stringify(value)}, not an integer from ${least} to ${most}`,
    );
  };
  const oneOf = <Value extends string>(key: string, first: Value, second: Value): Value => {
    const value = parsed[key];
    if (value === first || value === second) return value as Value;
    throw new Refusal(
      `the settings ${path} have ${key} = ${JSON.stringify(value)}, neither "${first}" nor "${second}"`,
    );
  };
  const version = parsed.puppet_version;
  return {
    puppetVersion: typeof version === 'string' ? version : '',
    burst: integer('burst', 0, 1000),
    maxDelay: integer('max_delay', 30, 86_400),
    limit: parsed.limit === null ? undefined : integer('limit', 1, 100_000),
    splay: integer('splay', 0, 86_400),
    // Version 0.1.0 wrote none of these: Puppet replaces the executable some moments before it updates this file.
    grace: parsed.grace === undefined ? 3 : integer('grace', 0, 60),
    unsupported: parsed.unsupported === undefined ? 'fail' : oneOf('unsupported', 'fail', 'warn'),
    logdest: parsed.logdest === undefined ? 'file' : oneOf('logdest', 'file', 'journal'),
    rerun: parsed.rerun === undefined ? 'command' : oneOf('rerun', 'command', 'unit'),
  };
}
