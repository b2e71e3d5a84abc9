import { readdirSync } from 'node:fs';
import { type Process, readProcesses } from '../processes.ts';
import type { Container } from './container.ts';

/**
 * The things that could still lead to a run, a line each: helpers and runs of Puppet, records, units, jobs of systemd.
 *
 * @param again the `again` folder of the container below a base folder.
 */
export async function leftIn(box: Container, again: string): Promise<string[]> {
  const inner = [
    ...processesIn(box)
      .filter((process) => isTransient(process, again))
      .map(({ pid, argv }) => `process ${pid}: ${argv.join(' ')}`),
    ...recordsIn(box, again).map((name) => `record ${name}`),
  ];
  if (inner.length > 0) return inner; // units cost a process to see
  const busy = [
    ...(await unitsIn(box)),
    ...(await listed(box, 'list-units --all --type=service --state=activating,deactivating')),
    ...(await listed(box, 'list-jobs')),
  ];
  return busy.map((line) => `unit or job ${line}`);
}

/** The fact, and a person's commands, are processes of the same name for a moment, and have the lock of the folder. */
export function waitersIn(box: Container): Process[] {
  return processesIn(box).filter(
    ({ comm, argv, isCopy }) =>
      comm === 'again' && !isCopy && (argv.includes('--parent') || argv.includes('--adopt')),
  );
}

/** The records of pending commands. */
export function pendingIn(box: Container, again: string): string[] {
  return listIn(box, `${again}/state/commands`).filter((name) => name.endsWith('.json'));
}

/** The records of pending commands, and temporary files: also those of a process that only looks, while it has the lock. */
export function recordsIn(box: Container, again: string): string[] {
  const state = `${again}/state`;
  return [
    ...listIn(box, `${state}/commands`).filter((name) => /\.(json|tmp)$/.test(name)),
    ...listIn(box, state).filter((name) => name.endsWith('.tmp')),
  ];
}

/** Units named `again-…`, a line each. */
export function unitsIn(box: Container): Promise<string[]> {
  return listed(box, 'list-units --all again-*');
}

/** The names in a folder of the container; none where there is no folder. */
export function listIn(box: Container, folder: string): string[] {
  try {
    return readdirSync(box.hostPath(folder));
  } catch {
    return [];
  }
}

/** That have not ended. */
function processesIn(box: Container): Process[] {
  return readProcesses(box.hostPath('/proc')).filter(({ state }) => state !== 'Z');
}

/** Whether it is a helper or a run of Puppet, and not an agent's daemon, which stays. */
function isTransient({ comm, argv }: Process, again: string): boolean {
  const words = argv.join(' ');
  if (comm === 'again' || argv.some((word) => word.startsWith(again))) return true;
  return /puppet apply |puppet agent: applying|puppet agent .*(--onetime|--test|-t\b)/.test(words);
}

async function listed(box: Container, words: string): Promise<string[]> {
  const argv = ['systemctl', ...words.split(' '), '--plain', '--no-legend'];
  const { code, stdout, stderr } = await box.exec(argv, { check: false });
  return (code === 0 ? stdout : `systemctl: ${code} ${stderr}`).split('\n').filter((line) => line.trim());
}
