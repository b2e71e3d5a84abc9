/** Where the vendor's packages lie, and so what is installed here in their place. */
export const PREFIX = '/opt/puppetlabs/puppet';

const GEMS = `${PREFIX}/lib/ruby/gems`;
const ACTIVATE = `${PREFIX}/lib/activate.rb`;

/** Runs a Ruby program with the gems of the prefix. */
export const PREFIX_RUBY = `${PREFIX}/bin/ruby-with-gems`;

/** The folder of a gem's catalogues of messages, as a pattern of the shell. */
export const localesOf = (gem: string) => `${GEMS}/gems/${gem}-8*/locales`;

/**
 * The commands that install the newest gem of a Puppet 8 in a prefix of its own: with another `ruby`, which knows none of the distribution's
 * gems, and with the vendor's unit, that the gem has.
 */
export function fromRubyGems(gem: 'puppet' | 'openvox'): string[] {
  const ruby = `${PREFIX}/bin/ruby`;
  return [
    'apt-get --quiet --yes --no-install-recommends install gcc make libc6-dev libffi-dev ruby-dev',
    `mkdir -p ${PREFIX}/bin && cp "$(readlink -f /usr/bin/ruby)" ${ruby}`,
    `${ruby} /usr/bin/gem install --no-document --install-dir ${GEMS} --bindir ${PREFIX}/gems-bin '${gem}:~> 8.0'`,
    write(
      ACTIVATE,
      `Gem.paths = { 'GEM_HOME' => '${GEMS}', 'GEM_PATH' => '${GEMS}' }\ngem '${gem}'\nGem.finish_resolve`,
    ),
    write(`${PREFIX}/bin/puppet`, `#!${ruby}\nrequire '${ACTIVATE}'\nload Gem.bin_path('${gem}', 'puppet')`),
    write(PREFIX_RUBY, `#!/bin/sh\nexec ${ruby} -r${ACTIVATE} "$@"`),
    `install -D --mode=644 ${GEMS}/gems/${gem}-8*/ext/systemd/puppet.service /etc/systemd/system/puppet.service`,
  ];
}

/** A command that writes a file which can be run. */
function write(path: string, text: string): string {
  return `mkdir -p "$(dirname ${path})" && cat > ${path} <<'END'\n${text}\nEND\nchmod 755 ${path}`;
}
