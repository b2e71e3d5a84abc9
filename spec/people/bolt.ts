import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { Finished, Node } from '../support/machine/node.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** What a task answers on one target. */
export interface Answer {
  readonly status: 'success' | 'failure';
  readonly value: { readonly [key: string]: unknown; readonly _error?: { readonly msg: string } };
}

/** What the plan has to say of its one target. */
export interface Converged {
  readonly output: string;
  readonly failure: string | undefined;
  readonly row: { readonly state: string; readonly text: string; readonly link: number | null };
}

export interface Bolt {
  /** `bolt task run common::again NAME=VALUE… --targets localhost`, on a machine; or another task of the module. */
  task(
    node: Node,
    parameters: Readonly<Record<string, string>>,
    env?: Readonly<Record<string, string>>,
    task?: string,
  ): Promise<Answer>;
  /** `bolt plan run common::converge NAME=VALUE… --targets localhost`: what it printed, and what it returned or failed with. */
  converge(node: Node, parameters: Readonly<Record<string, string | number>>): Promise<Converged>;
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
  for (const part of ['metadata.json', 'functions', 'plans', 'tasks'])
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
  const modulepath = ['--targets', 'localhost', '--modulepath', join(dir, 'modules')];
  const words = (parameters: Readonly<Record<string, string | number>>) =>
    Object.entries(parameters).map((pair) => pair.join('='));
  return {
    command,
    converge: async (at, parameters) => {
      const args = ['plan', 'run', 'common::converge', ...words(parameters), ...modulepath];
      const { code, stdout, output } = await command(at, [...args, '--format', 'json']);
      const json = /^[[{][\s\S]*[\]}]$/m.exec(stdout)?.[0];
      expect(json, output).toBeDefined();
      const answer = JSON.parse(json ?? '');
      return code === 0
        ? { output, failure: undefined, row: answer[0] }
        : { output, failure: answer.msg, row: answer.details.targets[0] };
    },
    task: async (at, parameters, env, task = 'common::again') => {
      const { stdout, output } = await command(
        at,
        [...['task', 'run', task, ...words(parameters), ...modulepath], ...['--format', 'json']],
        env,
      );
      const items = /^\{[\s\S]*\}$/m.exec(stdout)?.[0];
      expect(items, output).toBeDefined();
      const answer = JSON.parse(items ?? '').items[0];
      return { status: answer.status, value: answer.value };
    },
  };
}
