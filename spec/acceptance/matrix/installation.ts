import { copyFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { boot, type Container } from '../../support/container/container.ts';
import { type Generation, SERVER_CODEDIR, SERVER_CONFDIR } from './generations.ts';

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

/** What was in fact installed, for the table. */
export interface Versions {
  readonly puppet: string;
  readonly ruby: string;
  readonly server: string;
}

const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** The name of the machine, of its server and, where that is another one, of its agent. */
const NAME = 'box.example.test';
const AGENT = 'agent.example.test';

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

/** By the command of the README; for the server too, where that is another Puppet. */
async function installTarball(box: Container, { puppet }: Generation): Promise<void> {
  const tarball = join('/root', basename(packed()));
  copyFileSync(packed(), box.hostPath(tarball));
  await box.exec([puppet.command, 'module', 'install', tarball]);
  if (puppet.codedir !== SERVER_CODEDIR) await box.exec(['/usr/bin/puppet', 'module', 'install', tarball]);
}

function packed(): string {
  const folder = join(repository, 'pkg');
  const found = readdirSync(folder).filter((name) => name.endsWith('.tar.gz'));
  if (found.length !== 1)
    throw new Error(`${folder} holds ${found.length} modules: npm run module makes one`);
  return join(folder, `${found[0]}`);
}
