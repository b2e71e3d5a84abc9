import { afterAll, beforeAll, expect, type TestContext } from 'vitest';
import { type Bench, makeBench } from '../support/machine/bench.ts';
import { thisMachine } from '../support/machine/local.ts';
import type { Finished, Started } from '../support/machine/node.ts';
import { openSession, type Session } from '../support/machine/session.ts';
import { hieraData, testPuppet, type World } from '../support/machine/world.ts';
import { until } from '../support/wait.ts';

/** A world with a person in it, who types `again`. */
export interface Place {
  readonly world: World;
  /** The link that the class makes, here below the world's folder. */
  readonly link: string;
  /** `again ARGUMENTS` by that link, with nothing in the environment but what is given. */
  again(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Finished>;
  /** The same, and what it prints, taken for JSON. */
  json<T>(...args: string[]): Promise<T>;
  /** The same, left running. */
  startAgain(...args: string[]): Promise<Started>;
  /** `puppet apply` of a manifest, with the facts that find this place. */
  apply(manifest: string, ...args: string[]): Promise<Finished>;
  startApply(manifest: string, ...args: string[]): Promise<Started>;
}

/** Opens a session for the tests of a file. */
export function people(): {
  session(): Session;
  place(context: TestContext): Promise<Place>;
} {
  let session: Session;
  let bench: Bench;
  beforeAll(async () => {
    session = await openSession();
    bench = makeBench({
      node: thisMachine,
      puppet: testPuppet,
      module: session.module,
      dir: `${session.root}/people`,
      server: () => Promise.reject(new Error('there is no server here')),
    });
  });
  afterAll(() => session?.close());
  return {
    session: () => session,
    place: async (context) => makePlace(await bench.world(context)),
  };
}

async function makePlace(world: World): Promise<Place> {
  const base = world.path('base');
  const link = world.path('bin/again');
  await world.write('conf/data/world.yaml', `${hieraData(base)}common::again::symlink: '${link}'\n`);
  await world.write('hold.sh', holdScript(world));
  const env = { FACTER_puppet_vardirtmp: base };
  const argv = async (manifest: string, args: readonly string[]) =>
    world.apply(...args, await world.write('site.pp', manifest));
  const typed = (args: readonly string[]) => [link, ...args];
  const again = async (args: readonly string[], more = {}) => {
    const said = await world.node.exec({
      argv: typed(args),
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', ...more },
    });
    return { ...said, stdout: utf8(said.stdout), stderr: utf8(said.stderr), output: utf8(said.output) };
  };
  return {
    world,
    link,
    again,
    json: async (...args) => {
      const { code, stdout, stderr } = await again([...args, '--json']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      return JSON.parse(stdout);
    },
    startAgain: (...args) => world.node.start({ argv: typed(args), cwd: '/', env: {} }),
    apply: async (manifest, ...args) => world.run({ argv: await argv(manifest, args), env }),
    startApply: async (manifest, ...args) => world.start({ argv: await argv(manifest, args), env }),
  };
}

/** The text that was meant: a node gives each byte as a character. */
export function utf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString();
}

/** An exec that keeps a run going as long as the file `hold` is there. */
export function hold({ path }: World, parameters = ''): string {
  return `exec { '/bin/sh ${path('hold.sh')}': provider => 'posix', ${parameters} }`;
}

/** Waits until a run is kept. */
export async function held({ node, path }: World, run?: Started): Promise<void> {
  await until('a run to be held', () => node.files.exists(path('held')), {
    seconds: 100,
    seen: () => run?.output(),
  });
}

/** The script of {@link hold}, for `hold.sh`. */
export function holdScript({ path }: World): string {
  return `touch ${path('held')}\nwhile test -e ${path('hold')}; do sleep 0.05; done\n`;
}

/** Asserts a refusal as the contract wants it: nothing but one line, on standard error. */
export function expectRefusal(
  { code, stdout, stderr }: Finished,
  exitCode: 1 | 64,
  text: RegExp | string,
): void {
  expect({ code, stdout }, stderr).toEqual({ code: exitCode, stdout: '' });
  expect(stderr).toMatch(/^again: [^\n]+\n$/);
  expect(stderr).toMatch(text);
}
