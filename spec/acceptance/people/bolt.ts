import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { Finished, Node } from '../../support/machine/node.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

/** What a task answers on one target. */
export interface Answer {
  readonly status: 'success' | 'failure';
  readonly value: { readonly [key: string]: unknown; readonly _error?: { readonly msg: string } };
}

export interface Bolt {
  /** `bolt task run common::again NAME=VALUE… --targets localhost`, on a machine. */
  task(
    node: Node,
    parameters: Readonly<Record<string, string>>,
    env?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  command(node: Node, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Finished>;
}

/**
 * Bolt, from its own Gemfile, with the module's tasks.
 *
 * @param node  where the gems are installed, unless they are there
 * @param dir  a folder that doesn't exist yet
 */
export async function openBolt(node: Node, dir: string): Promise<Bolt> {
  const module = join(dir, 'modules/common');
  await mkdir(module, { recursive: true });
  for (const part of ['metadata.json', 'tasks'])
    await cp(join(repository, part), join(module, part), { recursive: true });
  const bundler = {
    BUNDLE_GEMFILE: join(repository, 'gemfiles/bolt/Gemfile'),
    BUNDLE_PATH: join(repository, 'vendor/bolt'),
    BUNDLE_FROZEN: 'true',
    BUNDLE_APP_CONFIG: join(dir, '.bundle'), // what Bundler writes down for itself
    BOLT_DISABLE_ANALYTICS: '1',
    BOLT_GEM: 'true', // it is meant to be one
    LANG: 'C.UTF-8',
    HOME: dir,
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  };
  const install = await node.exec({
    argv: ['sh', '-c', 'bundle check || bundle install --jobs 4'],
    env: bundler,
    seconds: 280,
  });
  if (install.code !== 0) throw new Error(`bundle install: ${install.output}`);

  const command: Bolt['command'] = (at, args, env = {}) =>
    at.exec({ argv: ['bundle', 'exec', 'bolt', ...args], cwd: dir, env: { ...bundler, ...env } });
  return {
    command,
    task: async (at, parameters, env) => {
      const { stdout, output } = await command(
        at,
        [
          ...['task', 'run', 'common::again', ...Object.entries(parameters).map((pair) => pair.join('='))],
          ...['--targets', 'localhost', '--modulepath', join(dir, 'modules'), '--format', 'json'],
        ],
        env,
      );
      const items = /^\{[\s\S]*\}$/m.exec(stdout)?.[0];
      expect(items, output).toBeDefined();
      const answer = JSON.parse(items ?? '').items[0];
      return { status: answer.status, value: answer.value };
    },
  };
}
