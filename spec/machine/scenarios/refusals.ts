import { expect, test } from 'vitest';
import { type Bench, expectNothingScheduled } from '../../support/machine/bench.ts';
import { bundledPuppet } from '../../support/machine/bundler.ts';
import type { Finished } from '../../support/machine/node.ts';
import { hieraData, inContainer, notifyOnce, outputOf, type World } from '../../support/machine/world.ts';

/** One line that says what is wrong, and not how the program was built. */
const oneLine = /^again: [^\n]{10,}\n$/;
const stackTrace = /^\s+at .+:\d+|node:internal|\.cjs\b/m;

/** Everything that `again` refuses, in one line and without a trace. */
export function refusalScenarios(bench: Bench): void {
  test('from a shell: --help and --version work, the bare program and wrong command lines are refused', async (context) => {
    const world = await bench.world(context);
    const call = (...args: string[]) => world.run({ argv: [`${world.again}/again`, ...args] });
    // Puppet would have put this there.
    await world.write('base/common/again/again.json', settings);
    const before = await everything(world);

    for (const option of ['--help', '--version']) {
      const { code, stdout, stderr } = await call(option);
      expect({ option, code, stderr }).toEqual({ option, code: 0, stderr: '' });
      expect(stdout).toMatch(option === '--help' ? /--start-timer-now/ : /^\S*\s?\d+\.\d+\.\d+\n$/);
    }

    for (const args of [[], ['--delta', '5'], ['--name', 'x', '--start-timer-now']]) {
      const refused = await call(...args);
      expect({ args, code: refused.code, stdout: refused.stdout }).toEqual({ args, code: 1, stdout: '' });
      expect(refused.stderr).toMatch(oneLine);
      expect(refused.stderr).toMatch(/puppet/i);
    }

    const wrong = [
      ['--delta', 'soon'],
      ['--delta', '-1'],
      ['--delta', '1.5'],
      ['--delta', '0x10'],
      ['--delta', '1e3'],
      ['--delta', ' '],
      ['--delta', ''],
      ['--delta', '315360001'],
      ['--delta', '99999999999999999999999'],
      ['--delta'],
      ['--name'],
      ['--name', ''],
      ['--name', 'a\nb'],
      ['--start-timer-now=perhaps'],
      ['--frobnicate'],
      ['--no-delta'],
      ['frobnicate'],
    ];
    for (const args of wrong) {
      const refused = await call(...args);
      expect({ args, code: refused.code, stdout: refused.stdout }).toEqual({ args, code: 64, stdout: '' });
      expect(refused.stderr, JSON.stringify(args)).toMatch(oneLine);
      expect(refused.stderr).not.toMatch(stackTrace);
    }
    expect(await everything(world)).toEqual(before);
    expect(await world.helpers()).toEqual([]);
  });

  test("a manifest on standard input can't be read again", async (context) => {
    const world = await bench.world(context);
    const refused = await fromPipe(world);
    await expectRefusal(world, refused, /standard input|stdin/i);
  });

  test('nor can /dev/stdin', async (context) => {
    const world = await bench.world(context);
    const refused = await fromPipe(world, {}, world.apply('/dev/stdin'));
    await expectRefusal(world, refused, /\/dev\/stdin/);
  });

  test("nor can bash's <(…)", async (context) => {
    const world = await bench.world(context);
    const site = await world.write('site.pp', notifyOnce(world));
    const refused = await world.run({ argv: ['bash', '-c', '"$@" <(cat "$0")', site, ...world.apply()] });
    await expectRefusal(world, refused, /\/dev\/fd\/\d+/);
  });

  test('a command line that Bundler has rewritten', async (context) => {
    const world = await bench.world(context);
    await expectRefusal(world, await underBundler(world), /command line|Bundler/i);
  });

  const byEnvironment = async () => ({ AGAIN_UNSUPPORTED: 'warn' });
  for (const way of Object.keys(UNSUPPORTED) as Unsupported[])
    testWarned(bench, 'AGAIN_UNSUPPORTED=warn', byEnvironment, way);
  testWarned(bench, BY_HIERA, warnByHiera, 'Puppet as pid 1');

  test('with the class parameter `unsupported => warn`, a manifest on standard input is only warned of', async (context) => {
    const world = await bench.world(context);
    const declared = `class { 'common::again': unsupported => 'warn' }\n${notifyOnce(world)}`;
    await expectWarning(world, await fromPipe(world, {}, world.apply('--detailed-exitcodes'), declared), 2);
  });

  test('a no-op run whose manifest comes from standard input is not refused: it schedules nothing', async (context) => {
    const world = await bench.world(context);
    const forced = `File <| title == '${world.path('base')}/common/' |> { noop => false }
File <| tag == 'common::again' |> { noop => false }
Exec <| title == 'again' |> { noop => false }
${notifyOnce(world).replace('content => ', 'noop => false, content => ')}`;
    const run = await fromPipe(world, {}, world.apply('--noop', '--detailed-exitcodes'), forced);
    expect(run.output).toMatch(
      /Exec\[again\]\/returns: Nothing scheduled: this run \(pid \d+\) is a no-op run/,
    );
    expect(run.code, run.output).toBe(2);
  });

  test("a run of another user than the helper's", async (context) => {
    const world = await bench.world(context);
    const exec = `exec { 'mine':
  command     => '${world.again}/again --name mine',
  user        => 'nobody',
  group       => 'root',
  refreshonly => true,
  require     => Class['common::again'],
}`;
    const site = await world.write('site.pp', notifyOnce(world, "Exec['mine']", exec));
    const refused = await world.run({ argv: world.apply('--detailed-exitcodes', site) });
    await expectRefusal(world, refused, /user/, 'mine');
  });

  test('an ordinary user without a base folder of his own is refused in one sentence; with one, all is his', async (context) => {
    const world = await bench.world(context, { delivered: false });
    const own = await world.run({ argv: ['chown', '-R', 'nobody:nogroup', world.dir] });
    expect(own.code, own.output).toBe(0);
    const site = await world.write('site.pp', notifyOnce(world));
    const asNobody = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'];
    const env = { HOME: world.dir };

    const without = await world.run({
      argv: world.apply('--hiera_config', '/dev/null', site),
      wrap: asNobody,
      env,
    });
    expect(without.code).toBe(1);
    expect(without.stderr).toMatch(/Error: .*ordinary user.*common::vardir::base/);
    await expectNothingScheduled(world, { runs: 0 });

    // As `sudo -u` from root's home: he may not enter the folder that he is in.
    const closed = world.path('closed');
    const made = await world.run({ argv: ['install', '-d', '-m', '0700', '-o', 'root', closed] });
    expect(made.code, made.output).toBe(0);
    const first = await world.run({ argv: world.apply(site), wrap: asNobody, env, cwd: closed });
    const [run, rerun] = await world.settled(2);
    expect(run?.run.cwd).toBe(closed);
    expect(rerun?.run.cwd).toBe(closed);
    expect(first.code, first.output).toBe(0);
    expect(rerun?.run.status.get('Uid')).toBe(run?.run.status.get('Uid'));
    const { mode, uid } = await world.node.files.stat(world.state);
    expect({ mode, uid }).toEqual({ mode: 0o700, uid: 65534 });
  });
}

/** The warning by Hiera, for the ways of which `npm test` has none. */
export function slowRefusalScenarios(bench: Bench): void {
  for (const way of Object.keys(UNSUPPORTED) as Unsupported[])
    if (way !== 'Puppet as pid 1') testWarned(bench, BY_HIERA, warnByHiera, way);
}

type Environment = Readonly<{ [name: string]: string }>;

const BY_HIERA = '`common::again::unsupported: warn` in Hiera';

/** Runs that cannot be repeated. */
const UNSUPPORTED = {
  'a manifest on standard input': fromPipe,
  '`bundle exec puppet apply`': underBundler,
  '`bundle exec puppet apply`, whose title covers its environment in /proc,': underBundlerByName,
  'Puppet as pid 1': asProcess1,
};
type Unsupported = keyof typeof UNSUPPORTED;

/** @param choose says in a world that a warning is enough, and returns what the environment has for that */
function testWarned(
  bench: Bench,
  where: string,
  choose: (world: World) => Promise<Environment>,
  way: Unsupported,
): void {
  test(`with ${where}, ${way} is only warned of`, async (context) => {
    const world = await bench.world(context);
    await expectWarning(world, await UNSUPPORTED[way](world, await choose(world)));
  });
}

/** Says in the data of a world that a warning is enough; nothing in the environment does. */
async function warnByHiera(world: World): Promise<Environment> {
  const data = hieraData(world.path('base'));
  await world.write('conf/data/world.yaml', `${data}common::again::unsupported: warn\n`);
  return {};
}

/** Runs a command with the manifest in a pipe as its standard input. */
async function fromPipe(
  world: World,
  env: Environment = {},
  argv = world.apply(),
  manifest = notifyOnce(world),
): Promise<Finished> {
  const site = await world.write('site.pp', manifest);
  return world.run({ argv: ['sh', '-c', 'cat "$0" | "$@"', site, ...argv], env });
}

async function underBundler(
  world: World,
  env: Environment = {},
  how: Parameters<typeof bundledPuppet>[1] = 'by its path',
): Promise<Finished> {
  const puppet = await bundledPuppet(world, how);
  const site = await world.write('site.pp', notifyOnce(world));
  const [, ...args] = world.apply(site);
  return world.run({ argv: [...puppet.words, ...args], env: { ...puppet.env, ...env } });
}

async function underBundlerByName(world: World, env: Environment): Promise<Finished> {
  const finished = await underBundler(world, env, 'by its name');
  const [first] = await world.runs();
  expect(first?.run.environ.toString('latin1'), 'what /proc shows of it').not.toContain('BUNDLE_GEMFILE=');
  return finished;
}

async function asProcess1(world: World, env: Environment = {}): Promise<Finished> {
  const site = await world.write('site.pp', notifyOnce(world));
  return world.run({ argv: world.apply(site), wrap: inContainer, env });
}

/** Asserts that an Exec has succeeded with one line, a warning, and that nothing came of it. */
async function expectWarning(world: World, { code, output }: Finished, wanted = 0): Promise<void> {
  const said = outputOf(output, 'again');
  expect(said, output).toEqual([expect.stringMatching(/^Warning: nothing scheduled: \S/)]);
  expect(code, output).toBe(wanted);
  expect(output).not.toContain('Failed to call refresh');
  await expectNothingScheduled(world);
}

/** Asserts that an Exec has failed with one line of explanation, and that nothing came of it. */
async function expectRefusal(
  world: World,
  { output }: Finished,
  reason: RegExp,
  exec = 'again',
): Promise<void> {
  const said = outputOf(output, exec);
  expect(said, output).toHaveLength(1);
  expect(said[0]).toMatch(reason);
  expect(output).toMatch(/returned 1 instead of one of \[0\]/);
  expect(output).not.toMatch(stackTrace);
  await expectNothingScheduled(world);
}

const settings = '{"puppet_version": "7.23.0", "burst": 10, "max_delay": 1800, "limit": null, "splay": 0}\n';

/** All files below the base folder, with modes and times. */
async function everything(world: World): Promise<string> {
  const { stdout } = await world.node.exec({
    argv: ['/usr/bin/find', world.path('base'), '-printf', '%p %m %s %T@\n'],
  });
  return stdout;
}
