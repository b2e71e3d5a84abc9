import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, type TestContext } from 'vitest';
import { here, placeTag } from '../../src/os/place.ts';
import { channelPrefix } from '../../src/state/channel-record.ts';
import { makeBench } from '../support/machine/bench.ts';
import { thisMachine } from '../support/machine/local.ts';
import type { Finished, Started } from '../support/machine/node.ts';
import { openPrivateMachine } from '../support/machine/private.ts';
import { openSession, type Session, supportFolder } from '../support/machine/session.ts';
import { outputOf, probe, testPuppet, type World, type WorldOptions } from '../support/machine/world.ts';
import { until } from '../support/wait.ts';
import { holdScript } from './people.ts';

/** A machine with a person in it, who runs Puppet in front of them. */
export interface Place {
  readonly world: World;
  /** The words of `again`, where Puppet has delivered it. */
  readonly again: string;
  /** `again run OPTIONS -- COMMAND`, to its end. */
  run(options: readonly string[], command: readonly string[], launch?: Extra): Promise<Finished>;
  start(options: readonly string[], command: readonly string[], launch?: Extra): Promise<Started>;
  /** `again wait`. */
  wait(...options: string[]): Promise<Finished>;
  /** The words of `puppet apply` of a manifest. */
  apply(manifest: string, ...args: string[]): Promise<string[]>;
  /** The same words on a terminal, and what types there. */
  onTerminal(words: readonly string[]): Promise<Terminal>;
}

export interface Terminal extends Started {
  type(keys: string): Promise<void>;
}

interface Extra {
  readonly env?: Readonly<Record<string, string>>;
  readonly wrap?: readonly string[];
  readonly cwd?: string;
}

/** Opens a session for the tests of a file. Each place is a machine of its own, since a rerun waits for every Puppet of its machine. */
export function foreground(): {
  place(context: TestContext, options?: Partial<WorldOptions>): Promise<Place>;
} {
  let session: Session;
  let places = 0;
  beforeAll(async () => {
    session = await openSession();
  });
  afterAll(() => session?.close());
  return {
    place: async (context, options) => {
      places += 1;
      const dir = `${session.root}/place${places}`;
      const machine = await openPrivateMachine(thisMachine, `${dir}-machine`);
      context.onTestFinished(() => machine.close(), 60_000);
      const server = () => Promise.reject(new Error('there is no server here'));
      const bench = makeBench({
        node: machine.node,
        puppet: testPuppet,
        module: session.module,
        dir,
        server,
      });
      return makePlace(await bench.world(context, options));
    },
  };
}

async function makePlace(world: World): Promise<Place> {
  const again = `${world.again}/again`;
  const base = { FACTER_puppet_vardirtmp: world.path('base') };
  const launch = (options: readonly string[], command: readonly string[], extra: Extra = {}) => ({
    ...extra,
    argv: [again, 'run', ...options, '--', ...command],
    env: { ...base, ...extra.env },
  });
  await world.write('hold.sh', holdScript(world));
  await world.write('bin/terminal.py', await readFile(join(supportFolder, 'terminal.py')));
  // Puppet writes the settings with its first run.
  const first = await world.run({ argv: world.apply('-e', 'include common::again'), env: base });
  expect(first.code, first.output).toBe(0);
  return {
    world,
    again,
    run: (...args) => world.run(launch(...args)),
    start: (...args) => world.start(launch(...args)),
    wait: (...options) => world.run({ argv: [again, 'wait', ...options], env: base }),
    apply: async (manifest, ...args) => world.apply(...args, await world.write('site.pp', manifest)),
    onTerminal: async (words) => {
      const keys = await world.write('keys', '');
      const argv = ['/usr/bin/python3', world.path('bin/terminal.py'), keys, ...words];
      const started = await world.start({ argv, env: base });
      let typed = '';
      return {
        ...started,
        type: async (more) => {
          typed += more;
          await world.node.files.write(keys, typed);
        },
      };
    },
  };
}

/** A manifest that asks for a rerun until it has been applied so many times, and records each run. */
export function converges(world: World, runs: number, target = "Exec['again']", more = ''): string {
  const script = `echo run >> ${world.path('steps')}; test $(wc -l < ${world.path('steps')}) -lt ${runs}`;
  return `include common::again
${probe(world)}
${more}
exec { 'step':
  command  => 'true',
  onlyif   => '${script}',
  provider => 'shell',
  path     => '/usr/bin:/bin',
  notify   => ${target},
}
`;
}

/** The command line of an `again run` for an exec: its manifest has converged after three runs. */
export async function innerRun({ world, again }: Place): Promise<string> {
  const inner = await world.write('inner.pp', converges(world, 3));
  return [again, 'run', '--', ...world.apply(inner)].join(' ');
}

/** Asserts that nothing of `again` is left: no process, no pending entry, no folder. */
export async function expectNothingLeft(here: Place): Promise<void> {
  expect(await here.world.helpers()).toEqual([]);
  expect(await here.world.pending()).toEqual([]);
  expect(await channelsOf(here)).toEqual([]);
}

/** The folders of channels that are there. */
export async function channelsOf({ world }: Place): Promise<string[]> {
  // Other tests' machines have the same /run.
  const { stdout } = await world.run({ argv: ['readlink', '/proc/self/ns/pid'] });
  const prefix = channelPrefix(placeTag({ ...here(), pidNamespace: stdout.trim() }));
  const names = await world.node.files.list('/run');
  return names.filter((name) => name.startsWith(prefix));
}

/** Waits until a file is there. */
export async function appears({ node, path }: World, name: string, run?: Started): Promise<void> {
  await until(name, () => node.files.exists(path(name)), { seconds: 100, seen: () => run?.output() });
}

/** The lines of `again run` itself. */
export function saidByRun(output: string): string[] {
  return stripVTControlCharacters(output)
    .split(/[\r\n]+/)
    .filter((line) => line.startsWith('again run: '));
}

/** A manifest that changes something in each of its first two runs, asks for another one each time, and is then at rest. */
export function twoSteps(world: World, target = "Exec['again']", more = ''): string {
  const steps = world.path('steps');
  return `include common::again
${more}
exec { 'step':
  command  => 'echo step >>${steps}',
  unless   => 'test "$(cat ${steps} | wc -l)" -ge 2',
  provider => 'shell',
  path     => '/usr/bin:/bin',
  notify   => ${target},
}
`;
}

/** The pids of those that the Exec's lines name. */
export function answeredBy(output: string): number[] {
  return outputOf(output, 'again').map((line) => Number(/again run, pid (\d+)$/.exec(line)?.[1]));
}
