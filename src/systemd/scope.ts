import { setTimeout as sleep } from 'node:timers/promises';
import { monotonic } from '../os/clock.ts';
import { randomHex } from '../os/random.ts';
import { readBytes } from '../os/read.ts';
import { oneLine, Refusal } from '../os/refusal.ts';
import { parseUnit } from './cgroup.ts';
import { managerArguments, managerEnvironment } from './manager.ts';
import type { WaiterCommand } from './relay.ts';
import { openManager } from './service-manager.ts';
import type { ScopeNeed } from './shelter.ts';

/** How long systemd may take to move a process, once it has said that it will. */
const PATIENCE_MS = 5000;
const POLL_MS = 2;

const DESCRIPTION = 'Waits to run Puppet again';

/**
 * Moves this process into a transient scope of its own (org.freedesktop.systemd1(5), StartTransientUnit): a scope keeps pid, parent,
 * environment and namespaces, and does not show its processes' environment. `systemctl list-units 'again-*'` shows it and `systemctl stop`
 * ends it. The notifying run lives until it has its verdict, and so does the unit that this process leaves: nothing kills it on the way but what
 * kills the run, too.
 *
 * @returns false where only {@link inScope} can make one
 * @throws {Refusal} where systemd makes none
 */
export async function enterScope({ manager, slice, because, asked: open }: ScopeNeed): Promise<boolean> {
  const name = `${newName()}.scope`;
  const asked = open ?? (await openManager(manager));
  try {
    if (!asked.startScope) return false;
    await asked.startScope({ name, slice, description: DESCRIPTION });
    const isThere = () => parseUnit(readBytes('/proc/self/cgroup'))?.unit === name;
    for (const deadline = monotonic() + PATIENCE_MS; !isThere(); await sleep(POLL_MS)) {
      if (monotonic() > deadline)
        throw new Error(`systemd has not moved this process to ${name} in ${PATIENCE_MS / 1000} s`);
    }
    return true;
  } catch (error) {
    throw new Refusal(`${failure(because)}: ${oneLine(error)}`);
  } finally {
    asked.close();
  }
}

/** The command that runs another one in such a scope (systemd-run(1)). Some versions expand `$NAME` in what they are given. */
export function inScope({ manager, slice, because }: ScopeNeed, command: readonly string[]): WaiterCommand {
  return {
    file: 'systemd-run',
    args: [
      ...managerArguments(manager),
      '--scope',
      '--quiet',
      '--collect',
      `--unit=${newName()}`,
      `--description=${DESCRIPTION}`,
      ...(slice ? [`--slice=${slice}`] : []),
      '--',
      ...command,
    ],
    environment: managerEnvironment(manager),
    failure: failure(because),
  };
}

function newName(): string {
  return `again-${process.pid}-${randomHex(8)}`;
}

function failure(because: string): string {
  return `${because}, so nothing can wait there, and no scope can be made for it`;
}
