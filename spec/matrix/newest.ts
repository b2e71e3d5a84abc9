// Which releases of Puppet there are by now: a new major version is to be tried as soon as its gem is there.

import { spawnSync } from 'node:child_process';
import type { Generation } from './generations.ts';

type Gem = Generation['product'];

const gems: readonly Gem[] = ['puppet', 'openvox'];

/** The newest release of each gem, as far as that is known. */
export type Newest = Readonly<Partial<Record<Gem, string>>>;

/** Milliseconds for an answer. */
const PATIENCE_MS = 60_000;

/** Asks RubyGems, or what this machine has in its place, by its own client. */
export function askForNewest(): Newest {
  const answers = gems.map((gem) => {
    const { stdout } = spawnSync('gem', ['list', '--remote', '--exact', gem], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: PATIENCE_MS,
    });
    return [gem, newestIn(stdout ?? '', gem)] as const;
  });
  return Object.fromEntries(answers.filter(([, version]) => version !== undefined));
}

/** The release that `gem list --remote` has printed for a gem; undefined where it has not. */
export function newestIn(output: string, gem: Gem): string | undefined {
  return new RegExp(`^${gem} \\((\\d+(?:\\.\\d+)+)[ ,)]`, 'm').exec(output)?.[1];
}

export interface Verdict {
  /** Why the matrix must not be run: one line. */
  readonly failure?: string;
  /** Something that is not known, and keeps the matrix from nothing: one line. */
  readonly remark?: string;
}

/** Judges whether the columns have the newest major version of each product. */
export function judge(
  newest: Newest,
  generations: readonly (Pick<Generation, 'product'> & { puppet: Pick<Generation['puppet'], 'version'> })[],
): Verdict {
  const hasColumn = (gem: Gem, release: string) =>
    generations.some(({ product, puppet }) => product === gem && puppet.version.test(release));
  const known = gems.flatMap((gem) => (newest[gem] === undefined ? [] : [[gem, newest[gem]] as const]));
  const missing = known.filter(([gem, release]) => !hasColumn(gem, release));
  const unknown = gems.filter((gem) => newest[gem] === undefined);
  return {
    ...(missing.length > 0 && {
      failure: `no column of spec/matrix/generations.ts is for the major version of ${list(missing.map((one) => one.join(' ')))}: add one`,
    }),
    ...(unknown.length > 0 && {
      remark: `RubyGems does not say which release of ${list(unknown)} is the newest, so nobody knows whether a column is missing`,
    }),
  };
}

const list = (words: readonly string[]) => words.join(' and ');
