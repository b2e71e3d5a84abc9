const folder = '/opt/openbolt';

/** OpenBolt, from its gem: it needs a newer Ruby than Debian 12 has. */
export const openbolt = {
  program: `${folder}/bin/bolt`,
  /** These install it in an image of Debian 13. */
  commands: [
    'apt-get --quiet --yes --no-install-recommends install g++ make libffi-dev ruby-dev',
    `gem install --no-document --install-dir ${folder} --bindir ${folder}/bin openbolt:5.6.0`,
  ],
  environment: { GEM_HOME: folder, GEM_PATH: folder, BOLT_GEM: 'true', HOME: '/root' },
} as const;
