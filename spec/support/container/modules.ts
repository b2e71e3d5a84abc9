import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Container } from './container.ts';

export interface ModuleOptions {
  /** Default `common`. */
  readonly name?: string;
  /**
   * Puppet's `codedir` in the container. Default: that of Debian's packages. The vendor's and the gems
   * have `/etc/puppetlabs/code`.
   */
  readonly codeFolder?: string;
}

/**
 * Copies a module's folder into the container's environment `production`, in the place of any that is there.
 *
 * @param folder folder of the module, on this machine. Links are copied as what they point to.
 * @returns the module's folder in the container.
 */
export function installModule(container: Container, folder: string, options: ModuleOptions = {}): string {
  const { name = 'common', codeFolder = '/etc/puppet/code' } = options;
  const module = join(codeFolder, 'environments/production/modules', name);
  const target = container.hostPath(module);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(dirname(target), { recursive: true });
  // With a filter, for Node 24.21 obeys `dereference` only below the folder where there is one.
  cpSync(folder, target, { recursive: true, dereference: true, filter: () => true });
  return module;
}

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const parts = [
  ...['manifests', 'templates', 'functions', 'types', 'lib', 'data', 'hiera.yaml', 'metadata.json'],
  ...['tasks', 'plans'],
];
const executable = process.arch === 'arm64' ? 'again-linux-arm64' : 'again-linux-x64';

/** Installs the module of this repository, or of the folder that AGAIN_MODULE names: what Puppet needs of it, for this CPU. */
export function installCommon(container: Container): void {
  const folder = mkdtempSync(join(tmpdir(), 'again-spec-module-'));
  try {
    chmodSync(folder, 0o755); // a server reads it, too
    eachPart((from, part) => {
      // As links: what they point to is copied into the container.
      mkdirSync(dirname(join(folder, part)), { recursive: true });
      symlinkSync(from, join(folder, part));
    });
    installModule(container, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Copies the same into a folder. */
export function copyCommon(folder: string): void {
  eachPart((from, part) =>
    cpSync(from, join(folder, part), { recursive: true, dereference: true, filter: () => true }),
  );
}

function eachPart(use: (from: string, part: string) => void): void {
  const source = process.env.AGAIN_MODULE ?? repository;
  const files = ['deliver', 'notify', 'remove', `${executable}.gz`, `${executable}.sums`];
  for (const part of [...parts, ...files.map((name) => join('files/again', name))]) {
    if (existsSync(join(source, part))) use(join(source, part), part);
  }
}
