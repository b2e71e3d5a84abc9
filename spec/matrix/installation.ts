import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { boot, type Container } from '../support/container/container.ts';
import { AGENT, type Generation, NAME, SERVER_CODEDIR, SERVER_CONFDIR } from './generations.ts';

/** A booted system with one Puppet, the module in it as its users install it, and a Puppet Server beside it. */
export interface Installation {
  readonly generation: Generation;
  readonly box: Container;
  readonly versions: Versions;
  /** Runs a shell's command line in it, as root; its standard output. */
  sh(command: string): Promise<string>;
  /** Starts the server, unless it runs, and has it compile catalogs from a manifest from now on. */
  serve(manifest: string, environment?: string): Promise<void>;
  close(): Promise<void>;
}

/** The versions that were in fact installed, for the table. */
export interface Versions {
  readonly puppet: string;
  readonly ruby: string;
  readonly server: string;
}

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** An ordinary user. */
export const USER = 'someone';

/** Where the server has the module. */
const MODULES = join(SERVER_CODEDIR, 'environments/production/modules');

/** Milliseconds for a Java program to start, on a machine that has much else to do. */
const START_MS = 15 * 60_000;

/** Boots one and installs what `npm run module` has packed. */
export async function install(generation: Generation): Promise<Installation> {
  const { system, packages, commands, puppet, server } = generation;
  const box = await boot({ system, packages, commands });
  try {
    const sh = async (command: string) =>
      (await box.exec(['sh', '-ec', command], { timeoutMs: START_MS })).stdout;
    configure(box, generation);
    await sh(`useradd --create-home ${USER}`);
    await installTarball(box, generation);
    await sh(`${puppet.command} apply -e 'include common::again'`);

    const version = (await sh(`${puppet.command} --version`)).trim();
    expect(version).toMatch(puppet.version);
    const versions = {
      puppet: version,
      ruby: (await sh(`${puppet.ruby} -e 'print RUBY_VERSION'`)).trim(),
      server: await sh(`dpkg-query -W -f '\${source:Upstream-Version}' ${server.package}`),
    };

    let started: Promise<unknown> | undefined;
    return {
      generation,
      box,
      versions,
      sh,
      async serve(manifest, environment = 'production') {
        const folder = join(SERVER_CODEDIR, 'environments', environment);
        box.writeFile(join(folder, 'manifests/site.pp'), manifest);
        if (environment !== 'production')
          box.writeFile(join(folder, 'environment.conf'), `modulepath = ${MODULES}\n`);
        started ??= sh(
          `chmod -R a+rX ${SERVER_CODEDIR}; ${server.prepare} && systemctl daemon-reload && systemctl start ${server.unit}`,
        );
        await started;
      },
      close: () => box.powerOff(),
    };
  } catch (error) {
    await box.powerOff();
    throw error;
  }
}

/** The distribution's agent shares its configuration and its certificate with the server; another Puppet has its own. */
function configure(box: Container, { puppet, server }: Generation): void {
  const lines = (certname: string) =>
    `[main]\nserver = ${NAME}\ncertname = ${certname}\nautosign = true\nkeylength = 2048\n`;
  box.writeFile(join(SERVER_CONFDIR, 'puppet.conf'), lines(NAME));
  if (puppet.confdir !== SERVER_CONFDIR) box.writeFile(join(puppet.confdir, 'puppet.conf'), lines(AGENT));
  box.writeFile(
    `/etc/systemd/system/${server.unit}.service.d/patience.conf`,
    `[Service]\nTimeoutStartSec=${START_MS / 1000}\n`,
  );
}

/** By the command of the README, where the Forge can't be reached; for the server too, where that is another Puppet. */
async function installTarball(box: Container, { puppet }: Generation): Promise<void> {
  const tarball = join('/root', basename(packed()));
  copyFileSync(packed(), box.hostPath(tarball));
  const installers = [
    [puppet.command, puppet.codedir],
    ['/usr/bin/puppet', SERVER_CODEDIR],
  ] as const;
  for (const [command, codedir] of new Map(installers.map((one) => [one[1], one])).values()) {
    // Without it Puppet would install for all environments.
    mkdirSync(box.hostPath(join(codedir, 'environments/production/modules')), { recursive: true });
    await box.exec([command, 'module', 'install', tarball, '--ignore-dependencies']);
  }
}

/** The tarball, on this machine. */
export function packed(): string {
  const { name, version } = JSON.parse(readFileSync(join(repository, 'metadata.json'), 'utf8'));
  const path = join(repository, 'pkg', `${name.replace('/', '-')}-${version}.tar.gz`);
  if (!existsSync(path)) throw new Error(`${path} is missing: npm run module makes it`);
  return path;
}
