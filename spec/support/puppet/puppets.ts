import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A Puppet whose Ruby code can be loaded here. */
export interface Puppet {
  readonly name: string;
  /** Of its version. */
  readonly major: number;
  /** A path of the script `puppet` that tells who packaged it. */
  readonly script: string;
  /** Runs a script of this folder with it: JSON in, JSON out. */
  run(script: string, input: unknown): unknown;
}

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The machine's own Puppet, and the gem of Gemfile.lock where it is installed (`npm run test:catalog`). */
export const puppets: readonly Puppet[] = [
  puppet("the machine's Puppet", '/usr/bin/puppet', ['/usr/bin/ruby'], {}),
  ...(existsSync(`${root}vendor/bundle`)
    ? [
        puppet('the gem', '/usr/local/bin/puppet', ['bundle', 'exec', 'ruby'], {
          BUNDLE_PATH: `${root}vendor/bundle`,
          BUNDLE_FROZEN: 'true',
        }),
      ]
    : []),
];

function puppet(
  name: string,
  script: string,
  [program = '', ...args]: string[],
  environment: NodeJS.ProcessEnv,
): Puppet {
  const ruby = (words: string[], input = '') =>
    execFileSync(program, [...args, ...words], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, LANG: 'C.UTF-8', ...environment },
      input,
      maxBuffer: 64 * 1024 * 1024,
    });
  return {
    name,
    script,
    major: Number.parseInt(ruby(['-e', 'require "puppet/version"; puts Puppet.version']), 10),
    run: (file, input) =>
      JSON.parse(ruby([fileURLToPath(new URL(file, import.meta.url))], JSON.stringify(input))),
  };
}
