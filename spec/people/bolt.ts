import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { Finished, Node } from '../support/machine/node.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** The answer of a task on one target. */
export interface Answer {
  readonly status: 'success' | 'failure';
  readonly value: { readonly [key: string]: unknown; readonly _error?: { readonly msg: string } };
}

/** The plan's line about a target. */
export interface Row {
  readonly target: string;
  readonly status: 'success' | 'failure';
  readonly value: {
    readonly state: string;
    readonly text: string;
    readonly link: number | null;
    readonly _error?: { readonly kind: string; readonly msg: string };
  };
}

/** Its output and its result, or its failure. */
export interface Converged {
  readonly output: string;
  readonly failure: string | undefined;
  readonly rows: readonly Row[];
  /** The details of the failure, besides the rows. */
  readonly details: { readonly failed_targets?: string[]; readonly skipped_targets?: string[] };
}

export interface Bolt {
  /** `bolt task run common::again NAME=VALUE… --targets localhost`, on a machine; or another task of the module. */
  task(
    node: Node,
    parameters: Readonly<Record<string, string>>,
    env?: Readonly<Record<string, string>>,
    task?: string,
    ...flags: readonly string[]
  ): Promise<Answer>;
  /** `bolt plan run common::converge NAME=VALUE… --targets localhost`, or for other targets of other modules. */
  converge(
    node: Node,
    parameters: Readonly<Record<string, string | number | boolean>>,
    where?: readonly string[],
  ): Promise<Converged>;
  command(node: Node, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Finished>;
  /** The same, with `--format json`. */
  answer(
    node: Node,
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
    // biome-ignore lint/suspicious/noExplicitAny: what a plan or a task returns is its own
  ): Promise<Pick<Finished, 'code' | 'output'> & { readonly json: any }>;
}

/**
 * Bolt, from its own Gemfile, with the module's tasks.
 *
 * @param node  where the gems are installed, unless they are there
 * @param dir  a folder that doesn't exist yet
 */
export async function openBolt(node: Node, dir: string): Promise<Bolt> {
  await copyModule(join(dir, 'modules/common'), ['metadata.json', 'functions', 'plans', 'tasks']);
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
  const answer: Bolt['answer'] = async (at, args, env) => {
    const { code, stdout, output } = await command(at, [...args, '--format', 'json'], env);
    const text = /^[[{][\s\S]*[\]}]$/m.exec(stdout)?.[0];
    expect(text, output).toBeDefined();
    return { code, output, json: JSON.parse(text ?? '') };
  };
  const modulepath = ['--targets', 'localhost', '--modulepath', join(dir, 'modules')];
  const words = (parameters: Readonly<Record<string, string | number | boolean>>) =>
    Object.entries(parameters).map((pair) => pair.join('='));
  return {
    command,
    answer,
    converge: async (at, parameters, where = modulepath) => {
      const args = ['plan', 'run', 'common::converge', ...words(parameters), ...where];
      const { code, output, json } = await answer(at, args);
      return code === 0
        ? { output, failure: undefined, rows: json, details: {} }
        : { output, failure: json.msg, rows: json.details.result_set, details: json.details };
    },
    task: async (at, parameters, env, task = 'common::again', ...flags) => {
      const args = ['task', 'run', task, ...words(parameters), ...modulepath, ...flags];
      const { status, value } = (await answer(at, args, env)).json.items[0];
      return { status, value };
    },
  };
}

/** Copies the parts of the module that Bolt needs. */
export async function copyModule(to: string, parts: readonly string[]): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const part of parts) await cp(join(repository, part), join(to, part), { recursive: true });
}
