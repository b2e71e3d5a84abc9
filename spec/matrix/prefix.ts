/** Where the vendor's packages lie, and so what is installed here in their place. */
export const PREFIX = '/opt/puppetlabs/puppet';

const GEMS = `${PREFIX}/lib/ruby/gems`;
const ACTIVATE = `${PREFIX}/lib/activate.rb`;

/** Runs a Ruby program with the gems of the prefix. */
export const PREFIX_RUBY = `${PREFIX}/bin/ruby-with-gems`;

/** The folder of a gem's catalogues of messages, as a pattern of the shell. */
export const localesOf = (gem: string, major: number) => `${GEMS}/gems/${gem}-${major}.*/locales`;

/**
 * The commands that install the gem of a Puppet in a prefix of its own: with another `ruby`, which knows none of the distribution's gems, and with
 * the vendor's unit, that the gem has.
 *
 * @param requirement which release, as `gem install` reads it
 */
export function fromRubyGems(gem: 'puppet' | 'openvox', major: number, requirement: string): string[] {
  const ruby = `${PREFIX}/bin/ruby`;
  return [
    'apt-get --quiet --yes --no-install-recommends install gcc make libc6-dev libffi-dev ruby-dev',
    `mkdir -p ${PREFIX}/bin && cp "$(readlink -f /usr/bin/ruby)" ${ruby}`,
    `${ruby} /usr/bin/gem install --no-document --install-dir ${GEMS} --bindir ${PREFIX}/gems-bin '${gem}:${requirement}'`,
    write(ACTIVATE, activation(gem, GEMS)),
    write(`${PREFIX}/bin/puppet`, `#!${ruby}\nrequire '${ACTIVATE}'\nload Gem.bin_path('${gem}', 'puppet')`),
    write(PREFIX_RUBY, `#!/bin/sh\nexec ${ruby} -r${ACTIVATE} "$@"`),
    `install -D --mode=644 ${GEMS}/gems/${gem}-${major}.*/ext/systemd/puppet.service /etc/systemd/system/puppet.service`,
  ];
}

/** For an installed prefix: the commands that put the gem of another release beside the one that is there, out of use; see {@link upgradeTo}. */
export function besideIt(gem: 'puppet' | 'openvox', major: number): string[] {
  const folder = `${GEMS}-${major}`;
  return [
    `${PREFIX}/bin/ruby /usr/bin/gem install --no-document --install-dir ${folder} --bindir ${folder}/bin '${gem}:~> ${major}.0'`,
    write(activationOf(major), activation(gem, folder)),
  ];
}

/** The change of the prefix by an upgrade of the package: from then on, the same paths are that release. */
export const upgradeTo = (major: number) => `cp ${activationOf(major)} ${ACTIVATE}`;

const activationOf = (major: number) => `${PREFIX}/lib/activate-${major}.rb`;

const activation = (gem: string, folder: string) =>
  `Gem.paths = { 'GEM_HOME' => '${folder}', 'GEM_PATH' => '${folder}' }\ngem '${gem}'\nGem.finish_resolve`;

/** A command that writes a file which can be run. */
function write(path: string, text: string): string {
  return `mkdir -p "$(dirname ${path})" && cat > ${path} <<'END'\n${text}\nEND\nchmod 755 ${path}`;
}
