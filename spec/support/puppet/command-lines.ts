// Generated command lines, read by a real Puppet and by us. `seed` makes a failure come again:
//
//     AGAIN_SEED=1234 npm run test:machine -- command-lines

import fc from 'fast-check';
import { expect } from 'vitest';
import { fromText } from '../../../src/os/bytes.ts';
import { isSure, parseArguments } from '../../../src/puppet/arguments.ts';
import { AGENT, APPLY, SETTINGS } from '../../../src/puppet/option-table.ts';
import type { Subcommand } from '../../../src/puppet/options.ts';

type Value = string | boolean;
type CommandLine = [Subcommand, string[]];
/** The answer of command_lines.rb for one. */
export type Answer =
  | { readonly error: string }
  | {
      readonly settings: Readonly<Record<string, Value>>;
      readonly options: readonly [string, Value][];
      readonly operands: readonly string[];
    };

export const COMMAND_LINES = 3000;
export const seed = Number(process.env.AGAIN_SEED ?? Date.now() % 2 ** 31);

/** The entries of a table: `job-id`, `test!:t`. */
const entriesOf = (table: string) =>
  table
    .trim()
    .split('\n')
    .flatMap((line) => line.split(' ').slice(1));

/** Values as they come, and some that look like something else. */
const value = fc.constantFrom(
  'x',
  'a,b',
  '10',
  '-1',
  '-',
  '',
  'a b',
  '/srv/x',
  '--noop',
  '-t',
  'a\n--noop',
  'x=y',
);

const commandLine = (subcommand: Subcommand): fc.Arbitrary<CommandLine> => {
  const own = entriesOf(subcommand === 'apply' ? APPLY : AGENT);
  const usual = ['noop!', 'onetime!', 'daemonize!', 'splay!', 'tags', 'server', 'show_diff!', 'environment'];
  const entry = fc.oneof(
    fc.constantFrom(...own),
    fc.constantFrom(...usual),
    fc.constantFrom(...entriesOf(SETTINGS)),
  );
  const long = fc
    .record({
      entry,
      cut: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(6)),
      style: fc.constantFrom('as it is', 'as it is', 'dashes', 'underscores', 'upper case'),
      off: fc.integer({ min: 0, max: 3 }),
      equals: fc.boolean(),
      value,
    })
    .map(({ entry: spelled, cut, style, off, equals, value: given }) => {
      const isFlag = spelled.includes('!');
      let name = spelled.replace(/[!?]?(:.)?$/, '');
      if (isFlag && off === 0) name = `no-${name}`;
      if (cut > 0) name = name.slice(0, Math.max(2, name.length - cut));
      if (style === 'dashes') name = name.replaceAll('_', '-');
      if (style === 'underscores') name = name.replaceAll('-', '_');
      if (style === 'upper case') name = name.toUpperCase();
      if (isFlag) return [`--${name}`];
      return equals ? [`--${name}=${given}`] : [`--${name}`, given];
    });
  const short = fc
    .tuple(fc.stringMatching(/^[tvdoDLEefclw]{1,3}$/), value)
    .map(([letters, given]) => [`-${letters}`, given]);
  const piece = fc.oneof(
    { weight: 8, arbitrary: long },
    { weight: 3, arbitrary: short },
    { weight: 3, arbitrary: fc.constantFrom(['site.pp'], ['other.pp'], ['-'], ['']) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(['--'], ['-tv'], ['-t-v'], ['-lconsole'], ['-e=x']),
    },
  );
  return fc.array(piece, { maxLength: 4 }).map((pieces) => [subcommand, pieces.flat()]);
};

/**
 * The same ones each time, for the same seed. Without `--no-ca`, which Puppet 5.5 spells out, and which is short for `--node_cache_terminus` since: for us it is what
 * 5.5 takes it for (`longOption` in src/puppet/options.ts). No other name that one release spells out is short for something else in another.
 */
export function commandLines(): CommandLine[] {
  const any = fc.oneof(commandLine('apply'), commandLine('agent'));
  const known = any.filter(([, words]) => !words.some((word) => /^--no[-_]ca$/.test(word)));
  return fc.sample(known, { numRuns: COMMAND_LINES, seed });
}

/**
 * Asserts that we read what Puppet reads.
 *
 * @param major  of that Puppet's version
 */
export function expectSameReading(
  given: readonly CommandLine[],
  answers: readonly Answer[],
  major: number,
): void {
  expect(answers).toHaveLength(given.length);
  const counted = { accepted: 0, sure: 0 };
  for (const [i, [subcommand, words]] of given.entries()) {
    const answer = answers[i] as Answer;
    const parsed = parseArguments(words.map(fromText), subcommand);
    if ('error' in answer) continue; // a run of it can't be
    counted.accepted += 1;
    const ours: Record<string, Value> = {};
    for (const { name, value: ourValue, ignored, dashed } of parsed)
      if (name !== undefined && !ignored && !(dashed && major < 8)) ours[name] = ourValue;
    const label = JSON.stringify([subcommand, ...words]);
    if (!isSure(parsed)) {
      expect(ours, label).toMatchObject(answer.settings);
      continue;
    }
    counted.sure += 1;
    const operands = parsed.filter(({ name }) => name === undefined).map((operand) => operand.value);
    expect(operands, label).toEqual(answer.operands);
    expect(ours, label).toEqual({ ...answer.settings, ...Object.fromEntries(answer.options) });
  }
  expect(counted.accepted).toBeGreaterThan(COMMAND_LINES / 5);
  expect(counted.sure / counted.accepted).toBeGreaterThan(0.9);
}
