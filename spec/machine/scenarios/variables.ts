import { expect, test } from 'vitest';
import type { Bench } from '../../support/machine/bench.ts';
import type { Sight } from '../../support/machine/journal.ts';
import { expectOneAtATime } from '../../support/machine/one-at-a-time.ts';
import { inARow } from '../../support/machine/script.ts';
import { openSyslog } from '../../support/machine/syslog.ts';
import { announcement, hieraData, notifyOnce, outputOf, probe } from '../../support/machine/world.ts';
import { until } from '../../support/wait.ts';

/** Of the class that limits it. */
const MOST = 8;

/** Runs of one command that differ in the variables of their environment. */
export function variableScenarios(bench: Bench): void {
  test('FACTER_role=a and then FACTER_role=b notify the same delta: two reruns, each with its own variables', async (context) => {
    const world = await bench.world(context);
    const site = await world.write(
      'site.pp',
      `include common::again
common::again::delta { 'later': delta => 5 }
${probe(world)}
file { "${world.trigger}-\${facts['role']}":
  content => "x\\n",
  notify  => Common::Again::Delta['later'],
}
`,
    );
    const { output, codes } = await inARow(
      world,
      ['a', 'b'].map((role) => ['env', `FACTER_role=${role}`, ...world.apply(site)]),
    );
    expect(codes, output).toEqual([0, 0]);
    const runs = (await world.settled(4)).map(({ run }) => run);
    expect(runs.map(role).slice(0, 2)).toEqual(['a', 'b']);
    expect(runs.map(role).slice(2).sort()).toEqual(['a', 'b']);
    const [, waiterOfB] = outputOf(output, 'again-delta-later').map(
      (line) => /waiter pid (\d+)/.exec(line)?.[1],
    );
    expect(
      runs.find(({ pid }) => String(pid) === waiterOfB) &&
        role(runs.find(({ pid }) => String(pid) === waiterOfB) as Sight),
    ).toBe('b');
    await expectOneAtATime(world, 4);
  });

  test('a counter in FACTER_build goes on with one chain, which backs off', async (context) => {
    const world = await bench.world(context);
    await world.write('conf/data/world.yaml', `${hieraData(world.path('base'))}common::again::burst: 1\n`);
    const site = await world.write(
      'site.pp',
      `include common::again\n${probe(world, 'run', "notify => Exec['again'],")}\n`,
    );
    const run = (build: string) => world.run({ argv: world.apply(site), env: { FACTER_build: build } });
    const first = announcement((await run('1')).output);
    expect(first.line).not.toContain('in a row');
    await until('the end of the rerun', async () => (await world.clock()).ends.length === 2);
    // A back-off of the first set is over in 30 s, and the run of the second one may take longer.
    await world.run({ argv: [`${world.again}/again`, 'hold'] });
    const next = announcement((await run('2')).output);
    expect(next.line).toMatch(
      /again 30 s after this run \(pid \d+\) has ended \(rerun 2 in a row, backing off/,
    );
    await world.run({ argv: [`${world.again}/again`, 'cancel', '--all'] });
    await world.settled(3);
  });

  test("an environment that fits the kernel's limit, but not with what a rerun adds: one line says that it does not run", async (context) => {
    const world = await bench.world(context);
    const syslog = await openSyslog(world);
    const site = await world.write('site.pp', notifyOnce(world));
    const stack = 4 * 1024 * 1024;
    const argv = ['/usr/bin/ruby', ...world.apply(site)];
    const wrap = [...syslog.wrap, 'prlimit', `--stack=${stack}:${stack}`, '--'];
    const size = await world.run({ argv: ['env', '-0'], wrap: syslog.wrap });
    const used = sizeOf(size.stdout.split('\0').filter(Boolean)) + sizeOf(argv);
    const run = await world.run({ argv, wrap, env: padding(stack / 4 - used - SLACK) });
    expect(run.code, run.output).toBe(0);
    const { log } = announcement(run.output);
    const failure =
      /its arguments and environment take \d+ bytes with the variables of its chain, and Linux takes no more than \d+ here/;
    expect(await syslog.line(/^failed: /)).toMatch(failure);
    await world.settled(1);
    expect((await world.node.files.read(log)).toString()).toMatch(/^again: not run: its arguments/m);
    const history = await world.run({ argv: [`${world.again}/again`, 'history', '--json'] });
    expect(JSON.parse(history.stdout)).toEqual([
      expect.objectContaining({
        result: expect.stringMatching(/^not run: its arguments and environment take/),
      }),
    ]);
  });
}

/** The ones that take long. */
export function slowVariableScenarios(bench: Bench): void {
  test(`a counter in FACTER_build, and every run notifies: never more than ${MOST} waiters, and the log names the one that goes`, async (context) => {
    const world = await bench.world(context);
    const syslog = await openSyslog(world);
    const body = "common::again::delta { 'later': delta => 3600 }";
    const site = await world.write(
      'site.pp',
      `include common::again\n${body}\n${probe(world, 'run', "notify => Common::Again::Delta['later'],")}\n`,
    );
    const waiters: number[] = [];
    for (let build = 1; build <= MOST + 1; build += 1) {
      const run = await world.run({
        argv: world.apply(site),
        wrap: syslog.wrap,
        env: { FACTER_build: String(build) },
      });
      waiters.push(announcement(run.output, 'again-delta-later').waiter);
    }
    await until(
      `${MOST} waiters`,
      async () => (await world.helpers()).length === MOST && (await world.pending()).length === MOST,
      { seen: () => world.helpers() },
    );
    expect((await world.helpers()).map(({ pid }) => pid).sort()).toEqual(waiters.slice(1).sort());
    expect(await syslog.line(/replaced/)).toMatch(
      /^cancelled: later: replaced, since 8 sets of FACTER variables of one command are pending$/,
    );
    const cancelled = await world.run({ argv: [`${world.again}/again`, 'cancel', '--all'] });
    expect(cancelled.output).toBe(`Cancelled: ${Array(MOST).fill('later').join(', ')}\n`);
    await world.settled(MOST + 1);
  });
}

/** Bytes of room that are left for Puppet's own children, and are too few for the variables of a chain. */
const SLACK = 120;

/** Bytes that the kernel counts for arguments or variables: each with its NUL and a pointer (execve(2)). */
function sizeOf(words: readonly string[]): number {
  return words.reduce((sum, word) => sum + word.length + 1 + 8, 0);
}

/** Variables that take so many bytes together; none may be longer than 128 KiB. */
function padding(bytes: number): { [name: string]: string } {
  const variables: { [name: string]: string } = {};
  const largest = 100_000;
  for (let left = bytes, n = 10; left > 0; n += 1) {
    const size = left > 2 * largest ? largest : left > largest ? Math.floor(left / 2) : left;
    variables[`PAD${n}`] = 'x'.repeat(size - 'PAD10='.length - 9);
    left -= size;
  }
  return variables;
}

function role({ environ }: Sight): string | undefined {
  return /(?:^|\0)FACTER_role=(\w+)/.exec(environ.toString('latin1'))?.[1];
}
