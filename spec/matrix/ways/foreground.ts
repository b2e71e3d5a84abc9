import { expect } from 'vitest';
import { leftIn } from '../../support/container/what-is-left.ts';
import { expectSameCommand, expectSameSurroundings } from '../../support/machine/same-run.ts';
import { outputOf } from '../../support/machine/world.ts';
import { AGAIN, type Cell } from '../cell.ts';
import type { Way } from './way.ts';

export const applyInForeground: Way = {
  title: '`again run -- puppet apply`, in the foreground',
  fast: true,
  async run(cell) {
    cell.site();
    // Its probe is an exec, which is a change in each run.
    await expectTwoRuns(cell, ['apply', '--detailed-exitcodes', '--color=false', 'site.pp']);
  },
};

export const agentInForeground: Way = {
  title: '`again run -- puppet agent -t`, in the foreground',
  async run(cell) {
    await cell.at.serve(cell.manifest());
    await expectTwoRuns(cell, ['agent', '-t', '--color=false']);
  },
};

/** Asserts that a command is run twice in front of people, as a child of one `again run`, with the exit code of its last run, and that nothing is left. */
async function expectTwoRuns(cell: Cell, args: readonly string[]): Promise<void> {
  const { box, generation } = cell;
  const command = [`${AGAIN}/again`, 'run', '--timeout', '250', '--', generation.puppet.command, ...args];
  const { code, stdout, stderr } = await box.exec(command, {
    cwd: cell.path(),
    env: cell.marker,
    check: false,
    timeoutMs: 280_000,
  });
  const output = stdout + stderr;
  expect(code, output).toBe(2);
  expect(stdout.match(/Applied catalog in/g), output).toHaveLength(2);
  const [first, second, ...more] = await cell.runs();
  expect(more).toEqual([]);
  if (!first || !second) throw new Error(`two runs were expected:\n${output}`);
  expectSameCommand(second.run, first.run);
  expectSameSurroundings(second.run, first.run);
  expect(second.run.environ.toString().split('\0')).toContain(`MARKER=${cell.marker.MARKER}`);
  expect(second.parent.pid).toBe(first.parent.pid);
  expect(outputOf(stdout, 'again')).toEqual([
    expect.stringMatching(
      new RegExp(
        `^Will run .* as soon as it has ended, in the foreground: again run, pid ${first.parent.pid}$`,
      ),
    ),
  ]);
  expect(await leftIn(box, AGAIN)).toEqual([]);
}
