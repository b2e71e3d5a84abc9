import type { TestContext } from 'vitest';
import type { Bench } from './bench.ts';
import type { Request } from './server.ts';
import { hieraData, notifyOnce, type World, type WorldOptions } from './world.ts';

export interface Agent {
  readonly world: World;
  /** `puppet agent` with the world's folders and server, then `args`. */
  command(...args: string[]): string[];
  /** Sets the manifest that the server compiles for it from now on. */
  compiles(manifest: string): Promise<void>;
  /** The server's requests of its environment that name something. */
  asked(what: string): Promise<readonly Request[]>;
  readonly lock: string;
}

/** An agent with folders, and an environment on the server, of its own. */
export async function openAgent(
  bench: Bench,
  context: TestContext,
  { inConfigurationFile = false, ...options }: Partial<WorldOptions> & { inConfigurationFile?: boolean } = {},
): Promise<Agent> {
  const server = await bench.server();
  const world = await bench.world(context, options);
  const environment = world.dir.replaceAll(/\W+/g, '_').replace(/^_/, '');
  const settings = {
    vardir: world.path('var'),
    ssldir: world.path('ssl'),
    certname: server.certname,
    server: 'localhost',
    serverport: String(server.port),
    environment,
  };
  const common = `[main]\nlogdir = ${world.path('log')}\nrundir = ${world.path('run')}\npublicdir = ${world.path('public')}\nkeylength = 2048\n`;
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
  await world.write('conf/puppet.conf', inConfigurationFile ? common + lines.join('') : common);
  const copied = await world.node.exec({ argv: ['/bin/cp', '-a', server.agentSsl, world.path('ssl')] });
  if (copied.code !== 0) throw new Error(copied.output);

  const compiles = (manifest: string) =>
    server.environment(environment, manifest, hieraData(world.path('base'), options.grace));
  await compiles(notifyOnce(world));
  const inArguments = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  return {
    world,
    command: (...args) => [
      ...[bench.puppet.command, 'agent', '--confdir', world.path('conf'), '--color=false'],
      ...(inConfigurationFile ? [] : inArguments),
      ...args,
    ],
    compiles,
    asked: async (what) =>
      (await server.requests()).filter(
        ({ line }) => line.includes(what) && new RegExp(`\\benvironment=${environment}(&|$)`).test(line),
      ),
    lock: world.path('var/state/agent_catalog_run.lock'),
  };
}
