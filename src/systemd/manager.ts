import { SYSTEM_PATH } from '../os/spawn.ts';
import type { UnitOfProcess } from './cgroup.ts';

export type Manager = UnitOfProcess['manager'];

/** The words by which the tools of systemd address this manager, and what they need in their environment. */
export function managerArguments(manager: Manager): string[] {
  return manager.kind === 'user' ? ['--user'] : [];
}

export function managerEnvironment(manager: Manager): Record<string, string> {
  const path = { PATH: SYSTEM_PATH, LC_ALL: 'C' };
  return manager.kind === 'user' ? { ...path, XDG_RUNTIME_DIR: `/run/user/${manager.user}` } : path;
}
