import { randomHex } from '../random.ts';
import { managerArguments, managerEnvironment } from './manager.ts';
import type { Shelter } from './shelter.ts';

/**
 * The command that runs another one in a transient scope (systemd-run(1)): a scope keeps pid, environment and namespaces, and shows its
 * processes to nobody. `systemctl list-units 'again-*'` shows it and `systemctl stop` ends it.
 */
export function inScope(scope: NonNullable<Shelter['scope']>, command: readonly string[]) {
  return {
    file: 'systemd-run',
    args: [
      ...managerArguments(scope.manager),
      '--scope',
      '--quiet',
      '--collect',
      `--unit=again-${process.pid}-${randomHex(4)}`,
      '--description=Waits to run Puppet again',
      ...(scope.slice ? [`--slice=${scope.slice}`] : []),
      '--',
      ...command,
    ],
    environment: managerEnvironment(scope.manager),
    failure: `${scope.because}, so nothing can wait there, and a scope of its own cannot be had`,
  };
}
