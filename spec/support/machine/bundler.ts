import type { World } from './world.ts';

/** A Puppet that Bundler loads into its own process, over whose arguments it then writes a title. */
export interface BundledPuppet {
  /** The words before Puppet's own arguments. */
  readonly words: readonly string[];
  readonly env: Readonly<{ [name: string]: string }>;
}

/**
 * @param how `bundle exec` finds the script. By its bare name, in a long folder as `vendor/bundle` has one, the title names a path that is longer than all arguments before: in
 *   /proc, it covers the environment, too.
 */
export async function bundledPuppet(
  world: World,
  how: 'by its path' | 'by its name',
): Promise<BundledPuppet> {
  const gems = ['puppet', 'concurrent-ruby', 'semantic_puppet', 'hocon']; // Debian's Puppet names no dependencies
  await world.write('Gemfile', gems.map((gem) => `gem '${gem}'\n`).join(''));
  const folder = how === 'by its path' ? 'bin' : `vendor/bundle/ruby/${'3.1.0-'.repeat(30)}/bin`;
  await world.node.files.makeFolder(world.path(folder));
  // Bundler loads such a script; Debian's, with another first line, is executed and has its arguments.
  const script = (await world.node.files.read(world.puppet.command)).toString();
  const puppet = await world.write(`${folder}/puppet`, script.replace(/^#!.*/, '#!/usr/bin/env ruby'), 0o755);
  return {
    words: ['bundle', 'exec', how === 'by its path' ? puppet : 'puppet'],
    env: {
      BUNDLE_SILENCE_ROOT_WARNING: '1',
      BUNDLE_GEMFILE: world.path('Gemfile'),
      PATH: `${world.path(folder)}:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    },
  };
}
