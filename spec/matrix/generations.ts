import type { ImageOptions } from '../support/container/images.ts';
import { fromRubyGems, localesOf, PREFIX, PREFIX_RUBY } from './prefix.ts';

/** A Puppet as people install it, and the Puppet Server that its agent asks. */
export interface Generation {
  /** Also the name of its test file and of its column in the table. */
  readonly name: string;
  readonly title: string;
  /** Whose Puppet it is, by its name in metadata.json. */
  readonly product: 'puppet' | 'openvox';
  /** The release of Debian for which it speaks. A gem's speaks for none. */
  readonly release: string | undefined;
  /** Only the ways that are `fast` are run: apply, agent, daemon, timer unit and `again run -- puppet apply`. For the floor of what metadata.json promises, and for releases between those that are seen in full. */
  readonly smoke?: boolean;
  readonly system: ImageOptions['system'];
  /** Debian packages and commands that make the system (see {@link ImageOptions}). */
  readonly packages: readonly string[];
  readonly commands: readonly string[];
  readonly puppet: PuppetPlaces;
  readonly server: Server;
}

/** Where a Puppet lies, and where it looks. */
export interface PuppetPlaces {
  /** The output of `puppet --version`. */
  readonly version: RegExp;
  readonly command: string;
  readonly ruby: string;
  readonly confdir: string;
  readonly vardir: string;
  readonly codedir: string;
  /** Whether its agent knows `--waitforlock`. */
  readonly waitsForLock: boolean;
  /** Whether the unit of its daemon can be reloaded. */
  readonly reloads: boolean;
  /** Whether that unit leaves alone what its processes have left (`KillMode=process`). */
  readonly unitKeepsProcesses: boolean;
  /** The folder of its catalogues of messages, as a pattern of the shell. */
  readonly locales: string;
  /** The Ruby by which Bolt is to run its Ruby tasks. */
  readonly boltRuby: string;
}

export interface Server {
  readonly title: string;
  /** Its package, by which its version is known. */
  readonly package: string;
  readonly unit: string;
  /** Run once, before the unit starts. */
  readonly prepare: string;
}

/** The certificate names of the server's machine and, where it is another Puppet, of the agent. */
export const NAME = 'box.example.test';
export const AGENT = 'agent.example.test';

/** Where all servers have their configuration and their code: they are the distribution's. */
export const SERVER_CONFDIR = '/etc/puppet';
export const SERVER_CODEDIR = '/etc/puppet/code';

const modernUnit = { reloads: true, unitKeepsProcesses: true } as const;

const debian = {
  command: '/usr/bin/puppet',
  ruby: '/usr/bin/ruby',
  confdir: '/etc/puppet',
  vardir: '/var/cache/puppet',
  codedir: '/etc/puppet/code',
  locales: '/usr/share/puppet/locale',
  boltRuby: '/usr/bin/ruby',
} as const;

// For a server that serves one agent for some minutes: half the time to start, of the processor.
const puppetserver = {
  unit: 'puppetserver',
  package: 'puppetserver',
  prepare: `sed -i '/^JAVA_ARGS=/s/"$/ -XX:+UseSerialGC -XX:TieredStopAtLevel=1"/' /etc/default/puppetserver && puppetserver ca setup`,
} as const;

/** For Bolt, and for a catalogue of messages. */
const basics = ['openssh-server', 'ruby-fast-gettext', 'ruby-gettext'];

/** The host on which a gem is installed: a release of Debian, and that release's own server. */
type Host = Pick<Generation, 'system' | 'packages' | 'server'>;

const debian11: Host = {
  system: 'bullseye',
  packages: [...basics, 'puppet-master'],
  server: {
    title: "Debian 11's `puppet master`",
    package: 'puppet-master',
    unit: 'puppet-master',
    prepare: ':',
  },
};

/**
 * That server asks for an environment where an agent of 6 names none: when it fetches the certificate of the CA, and its own. So it has them
 * beforehand, as from an older agent that was updated.
 */
const enrolled: Host = {
  ...debian11,
  server: { ...debian11.server, prepare: enrol('/etc/puppet/ssl', '/etc/puppetlabs/puppet/ssl') },
};

const debian12: Host = {
  system: 'host',
  packages: [...basics, 'puppetserver'],
  server: { ...puppetserver, title: "Debian 12's Puppet Server" },
};

const debian13: Host = {
  system: 'trixie',
  packages: [...basics, 'puppetserver'],
  server: { ...puppetserver, title: "Debian 13's Puppet Server" },
};

/** A gem that is installed beside the distribution's own Puppet. */
interface Gem {
  readonly gem: 'puppet' | 'openvox';
  readonly title: string;
  readonly major: number;
  /** As `gem install` reads it. Default: the newest of that major version. */
  readonly requirement?: string;
  /** Default: Debian 13. */
  readonly on?: Host;
}

const fromGem = ({ gem, title, major, requirement = `~> ${major}.0`, on = debian13 }: Gem) =>
  ({
    ...on,
    product: gem,
    title,
    release: undefined,
    commands: fromRubyGems(gem, major, requirement),
    puppet: {
      ...modernUnit,
      version: new RegExp(`^${major}\\.`),
      command: `${PREFIX}/bin/puppet`,
      ruby: `${PREFIX}/bin/ruby`,
      confdir: '/etc/puppetlabs/puppet',
      vardir: `${PREFIX}/cache`,
      codedir: '/etc/puppetlabs/code',
      waitsForLock: true,
      locales: localesOf(gem, major),
      boltRuby: PREFIX_RUBY,
    },
  }) as const;

export const generations = {
  debian_11_puppet_5: {
    ...debian11,
    name: 'debian_11_puppet_5',
    product: 'puppet',
    release: '11',
    title: 'Debian 11, its Puppet 5.5',
    packages: [...basics, 'locales', 'puppet-master'],
    // Its Facter, a program in C++, replaces a locale that is not there by `C`, for Puppet too.
    commands: ['localedef --inputfile de_DE --charmap UTF-8 de_DE.UTF-8'],
    puppet: { ...debian, version: /^5\.5\./, waitsForLock: false, reloads: false, unitKeepsProcesses: false },
  },
  puppet_6_gem: {
    ...fromGem({
      gem: 'puppet',
      title: 'Puppet 6.29.0, a gem',
      major: 6,
      requirement: '6.29.0',
      on: enrolled,
    }),
    name: 'puppet_6_gem',
    smoke: true,
  },
  debian_12_puppet_7: {
    ...debian12,
    name: 'debian_12_puppet_7',
    product: 'puppet',
    release: '12',
    title: 'Debian 12, its Puppet 7',
    commands: [],
    puppet: { ...debian, ...modernUnit, version: /^7\./, waitsForLock: true },
  },
  puppet_7_gem: {
    ...fromGem({ gem: 'puppet', title: 'the newest Puppet 7 gem', major: 7, on: debian12 }),
    name: 'puppet_7_gem',
    smoke: true,
  },
  debian_13_puppet_8: {
    ...debian13,
    name: 'debian_13_puppet_8',
    product: 'puppet',
    release: '13',
    title: 'Debian 13, its Puppet 8',
    commands: [],
    puppet: { ...debian, ...modernUnit, version: /^8\./, waitsForLock: true },
  },
  puppet_8_gem: {
    ...fromGem({ gem: 'puppet', title: 'the newest Puppet 8 gem', major: 8 }),
    name: 'puppet_8_gem',
  },
  openvox_7_gem: {
    // The floor of metadata.json: one release, so that an image that is made again does not raise it.
    ...fromGem({
      gem: 'openvox',
      title: 'OpenVox 7.37.2, a gem',
      major: 7,
      requirement: '7.37.2',
      on: debian12,
    }),
    name: 'openvox_7_gem',
    smoke: true,
  },
  openvox_8_oldest_gem: {
    ...fromGem({ gem: 'openvox', title: 'OpenVox 8.19.0, a gem', major: 8, requirement: '8.19.0' }),
    name: 'openvox_8_oldest_gem',
    smoke: true,
  },
  openvox_8_gem: {
    ...fromGem({ gem: 'openvox', title: 'the newest OpenVox 8 gem', major: 8 }),
    name: 'openvox_8_gem',
  },
  openvox_9_gem: {
    ...fromGem({ gem: 'openvox', title: 'the newest OpenVox 9 gem', major: 9 }),
    name: 'openvox_9_gem',
  },
} as const satisfies Record<string, Generation>;

/** Has an old `puppet master` make the agent's certificate, and copies what an agent has after its first run. */
function enrol(from: string, to: string): string {
  const [certificate, key] = [`certs/${AGENT}.pem`, `private_keys/${AGENT}.pem`];
  return [
    `/usr/bin/puppet cert generate ${AGENT}`,
    `mkdir -p ${to}/certs ${to}/private_keys`,
    ...[certificate, key, 'certs/ca.pem'].map((file) => `cp ${from}/${file} ${to}/${file}`),
    `cp ${from}/ca/ca_crl.pem ${to}/crl.pem`,
  ].join(' && ');
}
