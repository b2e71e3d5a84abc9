import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
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
  // With a filter, for Node 24.21 heeds `dereference` only below the folder where there is one.
  cpSync(folder, target, { recursive: true, dereference: true, filter: () => true });
  return module;
}
