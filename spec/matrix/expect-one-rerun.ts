import { expect } from 'vitest';
import type { Past } from '../../src/cli/history.ts';
import { leftIn } from '../support/container/what-is-left.ts';
import type { Sight } from '../support/machine/journal.ts';
import {
  expectAgentCommand,
  expectSameCommand,
  expectSameSurroundings,
} from '../support/machine/same-run.ts';
import { announcement } from '../support/machine/world.ts';
import { AGAIN, type Cell } from './cell.ts';

export interface Expected {
  /** The output of the first run, or its lines in the journal. */
  readonly output: string;
  readonly command: 'apply' | 'agent';
  /** The first run was a daemon's: a child of it. What counts is the daemon. */
  readonly daemon?: boolean;
  /** The Exec that was notified. Default `again`. */
  readonly exec?: string;
  /** The rerun's control group, where that is not the first run's. */
  readonly group?: RegExp;
  /** Runs of other origin between the two. Default 0. */
  readonly others?: number;
  /** Whose run it was, and where his base folder has its `again`. Default: root's, at its default place. */
  readonly user?: string;
  readonly again?: string;
}

export interface Seen {
  readonly run: Sight;
  readonly rerun: Sight;
}

const VERBOSE = ['-t', '--verbose'];

/**
 * Asserts the contract, of a run that has ended or is going to: one rerun of it, in place of the waiter, by the right command in the same
 * surroundings, into its log; nothing is left, and the history has it.
 */
export async function expectOneRerun(cell: Cell, expected: Expected): Promise<Seen> {
  const {
    output,
    command,
    daemon = false,
    exec = 'again',
    others = 0,
    user = 'root',
    again = AGAIN,
  } = expected;
  const said = announcement(sameForm(output), exec);
  const quiet = async () =>
    (await cell.runs()).length >= 2 + others && (await leftIn(cell.box, again)).length === 0;
  await cell.until('the rerun, and then quiet', quiet);

  const records = await cell.runs();
  expect(records.map((record) => record.run.argv.join(' '))).toHaveLength(2 + others);
  const [first, last] = [records[0], records.at(-1)];
  const run = (daemon ? first?.parent : first?.run) as Sight;
  const rerun = last?.run as Sight;

  expect(rerun.pid, 'the waiter becomes the rerun').toBe(said.waiter);
  if (command === 'apply') expectSameCommand(rerun, run);
  else expectAgentCommand(rerun, run, cell.generation.puppet);
  if (expected.group) expect(unified(rerun)).toMatch(expected.group);
  expectSameSurroundings(expected.group ? { ...rerun, cgroup: run.cgroup } : rerun, run);
  expect(rerun.environ.toString().split('\0')).toContain(`MARKER=${cell.marker.MARKER}`);
  const files = rerun.descriptors.filter((line) => line.includes('/state/') && !/^[12] /.test(line));
  expect(files, 'descriptors of again').toEqual([]);

  // An agent writes to the journal, and to its output only when it is verbose: so does its rerun.
  const file = cell.box.readFile(said.log);
  const log =
    rerun.argv.some((word) => VERBOSE.includes(word)) || command === 'apply'
      ? file
      : await cell.journal(`_PID=${rerun.pid}`);
  expect(log.match(/Applied catalog in/g), log).toHaveLength(1);
  expect(log, 'the rerun notifies nobody').not.toContain(`Exec[${exec}]`);

  const ask = async (...words: string[]) =>
    JSON.parse((await cell.box.exec([`${again}/again`, ...words, '--json'], { user })).stdout);
  expect(await ask('status')).toEqual([]);
  const past = ((await ask('history')) as Past[]).filter(({ log }) => log === said.log);
  expect(past).toEqual([expect.objectContaining({ link: 1, pid: rerun.pid, result: 'changed' })]);
  return { run, rerun };
}

/** Puppet's messages in the form that they have at a terminal: in the journal the source stands in parentheses. */
function sameForm(output: string): string {
  return output.replaceAll(/\((\/Stage\S*)\) /g, '$1: ');
}

/** The path in the unified hierarchy. */
function unified({ cgroup }: Sight): string | undefined {
  return /^0::(.*)$/m.exec(cgroup)?.[1];
}
