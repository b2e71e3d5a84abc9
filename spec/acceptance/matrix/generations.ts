import type { ImageOptions } from '../../support/container/images.ts';

/** A Puppet as people install it, and the Puppet Server that its agent asks. */
export interface Generation {
  /** Also the name of its test file and of its column in the table. */
  readonly name: string;
  readonly title: string;
  readonly system: ImageOptions['system'];
  /** Debian packages and commands that make the system (see {@link ImageOptions}). */
  readonly packages: readonly string[];
  readonly commands: readonly string[];
  readonly puppet: PuppetPlaces;
  readonly server: Server;
}

/** Where a Puppet lies, and where it looks. */
export interface PuppetPlaces {
  /** What `puppet --version` says. */
  readonly version: RegExp;
  readonly command: string;
  readonly ruby: string;
  readonly confdir: string;
  readonly vardir: string;
  readonly codedir: string;
  /** Whether its agent knows `--waitforlock`. */
  readonly waitsForLock: boolean;
}

export interface Server {
  readonly title: string;
  /** Its package, by which its version is known. */
  readonly package: string;
  readonly unit: string;
  /** Run once, before the unit starts. */
  readonly prepare: string;
}

/** Where all servers have their configuration and their code: they are the distribution's. */
export const SERVER_CONFDIR = '/etc/puppet';
export const SERVER_CODEDIR = '/etc/puppet/code';

const debian = {
  command: '/usr/bin/puppet',
  ruby: '/usr/bin/ruby',
  confdir: '/etc/puppet',
  vardir: '/var/cache/puppet',
  codedir: '/etc/puppet/code',
} as const;

// For a server that serves one agent for some minutes: half the time to start, of the processor.
const puppetserver = {
  unit: 'puppetserver',
  package: 'puppetserver',
  prepare: `sed -i '/^JAVA_ARGS=/s/"$/ -XX:+UseSerialGC -XX:TieredStopAtLevel=1"/' /etc/default/puppetserver && puppetserver ca setup`,
} as const;

const basics = ['openssh-server'];

export const generations = {
  debian_11_puppet_5: {
    name: 'debian_11_puppet_5',
    title: 'Debian 11, its Puppet 5.5',
    system: 'bullseye',
    packages: [...basics, 'puppet-master'],
    commands: [],
    puppet: { ...debian, version: /^5\.5\./, waitsForLock: false },
    server: {
      title: "Debian 11's `puppet master`",
      package: 'puppet-master',
      unit: 'puppet-master',
      prepare: ':',
    },
  },
  debian_12_puppet_7: {
    name: 'debian_12_puppet_7',
    title: 'Debian 12, its Puppet 7',
    system: 'host',
    packages: [...basics, 'puppetserver'],
    commands: [],
    puppet: { ...debian, version: /^7\./, waitsForLock: true },
    server: { ...puppetserver, title: "Debian 12's Puppet Server" },
  },
  debian_13_puppet_8: {
    name: 'debian_13_puppet_8',
    title: 'Debian 13, its Puppet 8',
    system: 'trixie',
    packages: [...basics, 'puppetserver'],
    commands: [],
    puppet: { ...debian, version: /^8\./, waitsForLock: true },
    server: { ...puppetserver, title: "Debian 13's Puppet Server" },
  },
} as const satisfies Record<string, Generation>;
