import { expect, type TestContext, test } from 'vitest';
import { openAgent } from '../../support/machine/agent.ts';
import { type Bench, expectOneRerun } from '../../support/machine/bench.ts';
import { expectOneAtATime } from '../../support/machine/one-at-a-time.ts';
import { inARow } from '../../support/machine/script.ts';
import { announcement, notifyOnce, outputOf, probe, type World } from '../../support/machine/world.ts';
import { until } from '../../support/wait.ts';

const CERTIFICATE = 'another certificate name';

/** The default of the class parameter, in seconds. */
const grace = 3;

/**
 * Scripts that run Puppet several times in a row, as idempotency checks and bootstraps do: each run starts within milliseconds of the end of the one before. And
 * the options that people abbreviate in them.
 */
export function scriptScenarios(bench: Bench): void {
  for (const mode of ['apply', 'agent'] as const) testInOneScript(bench, mode, 2, 1);

  test('`puppet apply a.pp`, which notifies, and at once `puppet apply b.pp`: one after the other', async (context) => {
    const world = await bench.world(context, { grace });
    const first = await world.write('a.pp', notifyOnce(world));
    const second = await world.write('b.pp', slowly(probe(world, 'other')));
    const { output, codes } = await inARow(world, [
      world.apply('--detailed-exitcodes', first),
      world.apply('--detailed-exitcodes', second),
    ]);
    expect(codes, output).toEqual([2, 2]);
    await expectRerunLast(world, output);
  });

  test('three runs in one script, of which the first two ask for reruns under two names: the one that falls due in the second run waits for the third, which satisfies it', async (context) => {
    const world = await bench.world(context, { grace });
    const site = await world.write(
      's.pp',
      slowly(`common::again::delta { 'soon': delta => 1 }
common::again::delta { 'later': delta => 3600 }
${probe(world)}
${changeInRun(world, 1, "Common::Again::Delta['soon']")}
${changeInRun(world, 2, "Common::Again::Delta['later']")}`),
    );
    const apply = world.apply(site, '--detailed-exitcodes');
    // Longer than a waiter takes to see the end of a run, and shorter than the grace time.
    const { output, codes } = await inARow(world, [apply, apply, ['sleep', '1.5'], apply]);
    expect(codes, output).toEqual([2, 2, 0, 2]);
    const again = async (...words: string[]) =>
      (await world.run({ argv: [`${world.again}/again`, ...words] })).stdout;
    const names = async () =>
      JSON.parse(await again('status', '--json')).map(({ name }: { name: string }) => name);
    await until('soon to be satisfied', async () => !(await names()).includes('soon'), { seen: names });
    expect(await again('cancel', '--all')).toBe('Cancelled: later\n');
    await world.settled(3);
    await expectOneAtATime(world, 3);
  });

  test('`puppet apply a.pp`, which notifies, and at once `puppet agent -t`: one after the other', async (context) => {
    const { world, command, compiles } = await openAgent(bench, context, { grace });
    await compiles(slowly(probe(world, 'other')));
    const site = await world.write('a.pp', notifyOnce(world));
    const folders = ['--vardir', world.path('var'), '--codedir', world.path('code')];
    const { output, codes } = await inARow(world, [
      world.apply(...folders, '--detailed-exitcodes', site),
      command('-t'),
    ]);
    expect(codes, output).toEqual([2, 2]);
    await expectRerunLast(world, output);
  });

  testOtherAgent(bench, 'another server', '--server', 'puppet'); // the other name of its certificate

  testAbbreviations(bench, ['--detailed-exitcode', '--onetime', '--no-daemonize', '--verb'], ['--no-splay']);
}

/** The ones that take long. */
export function slowScriptScenarios(bench: Bench): void {
  for (const mode of ['apply', 'agent'] as const) testInOneScript(bench, mode, 3, 2);
  testOtherAgent(bench, CERTIFICATE, '--certname', `another${Date.now()}.example`);
  testAbbreviations(bench, ['--detailed-exitcode', '--tes'], []);
}

/** @param added what a rerun has in addition, beside the wait for the lock */
function testAbbreviations(bench: Bench, words: readonly string[], added: readonly string[]): void {
  test(`\`puppet agent ${words.join(' ')}\`: a rerun with the same abbreviations, and only what is missing`, async (context) => {
    const { world, command } = await openAgent(bench, context);
    const first = await world.run({ argv: command(...words) });
    expect(first.code, first.output).toBe(2); // --detailed-exitcodes
    // By `--tes`, a world does not know a run that ends by itself.
    await until('the end of the rerun', async () => (await world.clock()).ends.length === 2, {
      seconds: 200,
      seen: () => world.clock(),
    });
    const { run, rerun } = await expectOneRerun(world, first.output);
    const wait = ['--waitforlock', expect.stringMatching(/^[1-9]\d*$/), '--maxwaitforlock', 'unlimited'];
    expect(run.argv.slice(-words.length)).toEqual(words);
    expect(rerun.argv).toEqual([...run.argv, ...added, ...wait]);
  });
}

function testInOneScript(bench: Bench, mode: 'apply' | 'agent', count: number, notifying: number): void {
  const command = mode === 'apply' ? 'puppet apply s.pp --detailed-exitcodes' : 'puppet agent -t';
  test(`\`${command}\` ${count} times in one script, of which run ${notifying} notifies: the next one goes first, and satisfies`, async (context) => {
    const { world, argv } = await slowRun(bench, context, mode, notifying);
    const { output, codes } = await inARow(world, Array(count).fill(argv));
    expect(codes, output).toEqual(Array(count).fill(2));
    expect(output).not.toMatch(/already in progress/i);
    expect(announcement(output).line).toContain(`again ${grace} s after`);
    await world.settled(count);
    await expectOneAtATime(world, count);
  });
}

function testOtherAgent(bench: Bench, what: string, option: string, value: string): void {
  test(`\`puppet agent -t\`, which notifies, and at once the same with ${what}: that satisfies nothing`, async (context) => {
    const { world, command } = await openAgent(bench, context, { grace });
    const hosts = await world.write('hosts', '127.0.0.1 localhost puppet\n');
    await world.run({ argv: ['mount', '--bind', hosts, '/etc/hosts'] }); // of this machine alone
    const { output, codes } = await inARow(world, [command('-t'), command('-t', option, value)]);
    expect(codes, output).toEqual([2, 2]);
    const runs = await world.settled(3);
    expect(runs[2]?.run.pid).toBe(announcement(output).waiter);
    expect(runs[2]?.run.argv).not.toContain(value);
    // An agent that waits for a certificate sleeps, and the rerun does not wait for it.
    if (what !== CERTIFICATE) await expectOneAtATime(world, 3);
  });
}

/** A command of which each run takes some seconds, and one notifies. */
async function slowRun(
  bench: Bench,
  context: TestContext,
  mode: 'apply' | 'agent',
  notifying: number,
): Promise<{ world: World; argv: string[] }> {
  if (mode === 'agent') {
    const { world, command, compiles } = await openAgent(bench, context, { grace });
    await compiles(notifyInRun(world, notifying));
    return { world, argv: command('-t') };
  }
  const world = await bench.world(context, { grace });
  const site = await world.write('s.pp', notifyInRun(world, notifying));
  return { world, argv: world.apply(site, '--detailed-exitcodes') };
}

function notifyInRun(world: World, number: number): string {
  return slowly(`include common::again
${probe(world)}
${changeInRun(world, number, "Exec['again']")}`);
}

/** A change in this run of the world alone, which notifies. */
function changeInRun(world: World, number: number, notified: string): string {
  return `exec { 'change in run ${number}':
  command  => 'true',
  onlyif   => 'test $(ls ${world.path('journal')} | wc -l) -eq ${number}',
  provider => 'shell',
  require  => Exec['probe run'],
  notify   => ${notified},
}`;
}

function slowly(manifest: string): string {
  return `${manifest}\nexec { '/bin/sleep 2': }\n`;
}

/** Asserts that the rerun of the first run started after the end of the second, and after the time in which a third could have begun. */
async function expectRerunLast(world: World, output: string): Promise<void> {
  expect(outputOf(output, 'again')).toHaveLength(1);
  const [, rerun] = await world.settled(2);
  const [, other, last] = await expectOneAtATime(world, 3);
  expect((await world.runs('other')).map(({ run }) => run.pid)).toEqual([other?.pid]);
  expect([rerun?.run.pid, last?.pid]).toEqual(Array(2).fill(announcement(output).waiter));
  expect((last?.from ?? 0) - (other?.to ?? 0)).toBeGreaterThanOrEqual(grace - 0.5);
}
