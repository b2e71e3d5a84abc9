import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { thisMachine } from '../support/machine/local.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Those that people have: the newest of each major version, each from a Gemfile of its own. */
export const r10ks = ['r10k_4', 'r10k_5'] as const;

/**
 * `r10k puppetfile install`, into a folder that it may empty.
 *
 * @param name  which r10k
 * @param dir  its home
 */
export async function deploy(
  name: (typeof r10ks)[number],
  dir: string,
  puppetfile: string,
  modules: string,
): Promise<void> {
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, 'Puppetfile'), puppetfile);
  const env = {
    BUNDLE_GEMFILE: join(repository, 'gemfiles', name, 'Gemfile'),
    BUNDLE_PATH: join(repository, 'vendor', name),
    BUNDLE_FROZEN: 'true',
    BUNDLE_APP_CONFIG: join(dir, '.bundle'), // what Bundler writes down for itself
    LANG: 'C.UTF-8',
    HOME: dir,
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  };
  const install = ['sh', '-c', 'bundle check || bundle install --jobs 4'];
  const command = ['bundle', 'exec', 'r10k', 'puppetfile', 'install', '--verbose', '--moduledir', modules];
  for (const argv of [install, command]) {
    const { code, output } = await thisMachine.exec({ argv, cwd: dir, env, seconds: 280 });
    if (code !== 0) throw new Error(`${argv.join(' ')}: ${output}`);
  }
}
