import { expect } from 'vitest';
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

export const inputInForeground: Way = {
  title:
    '`echo … | again run --stdin -- flock … puppet apply`, then `puppet apply`, `again wait`, and `puppet apply` that changes nothing',
  async run(cell) {
    const { command } = cell.generation.puppet;
    const wrapped = ['--stdin', '--', 'flock', cell.path('lock'), command, 'apply', '--color=false'];
    const { code, stdout, stderr } = await cell.box.exec([...run, ...wrapped], {
      ...inFront(cell),
      input: cell.manifest(),
    });
    const output = stdout + stderr;
    expect(code, output).toBe(0);
    const [first, second, ...more] = await cell.runs();
    expect(more).toEqual([]);
    if (!first || !second) throw new Error(`two runs were expected:\n${output}`);
    expectSameCommand(second.run, first.run);
    for (const { parent } of [first, second]) expect(parent.argv[0]).toBe('flock');
    expect(outputOf(stdout, 'again')).toEqual([
      expect.stringMatching(/^Will run .* as soon as it has ended, in the foreground: again run, pid \d+$/),
    ]);
    await cell.nothingLeft();

    // As acceptance tests do it: the second run alone has something to do that the first one has made possible.
    cell.box.writeFile(cell.path('twice.pp'), twice(cell));
    const apply = () =>
      cell.box.exec(
        [command, 'apply', '--detailed-exitcodes', '--color=false', cell.path('twice.pp')],
        inFront(cell),
      );
    expect((await apply()).code).toBe(2);
    const waited = await cell.box.exec([`${AGAIN}/again`, 'wait', '--timeout', '250'], inFront(cell));
    expect(waited.code, waited.stdout).toBe(0);
    expect(waited.stdout).toMatch(/has ended: changed\n/);
    const last = await apply();
    expect(last.code, last.stdout).toBe(0);
    await cell.nothingLeft();
  },
};

function twice(cell: Cell): string {
  return `include common::again
exec { 'goal':
  command => 'touch ${cell.path('goal')}',
  path    => '/bin:/usr/bin',
  onlyif  => 'test -e ${cell.path('start')}',
  creates => '${cell.path('goal')}',
  before  => File['${cell.path('start')}'],
}
file { '${cell.path('start')}':
  content => 'x',
  notify  => Exec['again'],
}
`;
}

const run = [`${AGAIN}/again`, 'run', '--timeout', '250'];
const inFront = (cell: Cell) => ({
  cwd: cell.path(),
  env: cell.marker,
  check: false,
  timeoutMs: 280_000,
});

/** Asserts that a command is run twice in front of people, as a child of one `again run`, with the exit code of its last run, and that nothing is left. */
async function expectTwoRuns(cell: Cell, args: readonly string[]): Promise<void> {
  const { box, generation } = cell;
  const command = [...run, '--', generation.puppet.command, ...args];
  const { code, stdout, stderr } = await box.exec(command, inFront(cell));
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
  await cell.nothingLeft();
}
