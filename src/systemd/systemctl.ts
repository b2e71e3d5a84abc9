import type { ExecFileException } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { UnitOfProcess } from './cgroup.ts';
import { type Manager, managerArguments, managerEnvironment } from './manager.ts';
import { type Properties, parseProperties, UNIT_PROPERTIES } from './properties.ts';

/** Asks systemd about a unit. @throws {Error} with what systemctl says, where it can't be asked */
export async function showUnit({ unit, manager }: UnitOfProcess): Promise<Properties> {
  const output = await run(
    'systemctl',
    [...managerArguments(manager), 'show', `--property=${UNIT_PROPERTIES.join(',')}`, '--', unit],
    manager,
  );
  return parseProperties(output);
}

const RETRIES = 10;
const RETRY_MS = 20;

/** The state of the machine by the system's manager; undefined where there is no systemctl to ask. */
export async function systemStateByTool(): Promise<string | undefined> {
  // Exits with 1 for every state but `running`, and says the state all the same.
  const ask = () => execute('systemctl', ['is-system-running'], { kind: 'system' }, 5000);
  let answer = await ask();
  // To end a unit, systemd signals all of its processes until it finds no new one: also a `systemctl` that one of them has just started.
  for (
    let left = RETRIES;
    left > 0 && answer.error?.signal === 'SIGTERM' && !answer.error.killed;
    left -= 1
  ) {
    await sleep(RETRY_MS);
    answer = await ask();
  }
  return (answer.error as NodeJS.ErrnoException | null)?.code === 'ENOENT' ? undefined : answer.stdout.trim();
}

/** Starts a unit without waiting for it. @throws {Error} with what systemctl says */
export async function startByTool({ unit, manager }: UnitOfProcess): Promise<void> {
  await run('systemctl', [...managerArguments(manager), '--no-block', 'start', '--', unit], manager);
}

async function run(file: string, args: readonly string[], manager: Manager): Promise<string> {
  const { error, stdout, stderr } = await execute(file, args, manager, 20_000);
  if (error) throw new Error(stderr.trim() || error.message);
  return stdout;
}

/** Loads what starts processes only here: a waiter whose run has nothing to do with systemd never needs it. */
async function execute(
  file: string,
  args: readonly string[],
  manager: Manager,
  timeout: number,
): Promise<{ error: ExecFileException | null; stdout: string; stderr: string }> {
  const { execFile } = await import('node:child_process');
  return new Promise((resolve) => {
    execFile(
      file,
      args,
      { env: managerEnvironment(manager), encoding: 'utf8', timeout },
      (error, stdout, stderr) => resolve({ error, stdout, stderr }),
    );
  });
}
