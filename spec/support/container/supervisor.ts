import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { until } from '../wait.ts';
import { hideMachine } from './host-view.ts';
import { identify } from './identity.ts';
import { CACHE, type Image } from './images.ts';
import { initOf } from './processes.ts';
import { run } from './run.ts';

/** The process that holds a container: see supervisor.sh. */
export interface Supervisor {
  readonly pid: number;
  /** Folder of the container's control group, `payload` within it being the container's own root. */
  readonly group: string;
  /** Resolves with its exit code, or -1 when it is killed. */
  readonly ended: Promise<number>;
  /** The output of it and the container so far. */
  output(): string;
  /** Host's pid of the container's process 1. `undefined` while there is none. */
  init(): number | undefined;
  /** Ends the container's processes in an instant, and boots it again. */
  cutPower(): void;
  /** Ends all in an instant, and removes what is left. */
  kill(): void;
}

/**
 * Starts the supervisor of one container, and lets it boot an image under an overlay that is lost at the end.
 *
 * @throws Error with the supervisor's output when a mount fails.
 */
export async function supervise(image: Image, hostname: string): Promise<Supervisor> {
  const script = join(import.meta.dirname, 'supervisor.sh');
  const isolated = ['--net', '--mount', '--propagation', 'private', 'sh', script, hostname];
  // Detached: a Ctrl-C in the terminal reaches the tests, and their end is what it waits for.
  const child = spawn('unshare', isolated, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  const supervisor = handleOf(child);

  const mounted = () => supervisor.output().includes('mounted\n') || child.exitCode !== null;
  await until('the supervisor to mount its file systems', mounted, { seconds: 30 });
  if (child.exitCode !== null) throw new Error(`the supervisor failed:\n${supervisor.output()}`);
  try {
    const lowers = await fill(`/proc/${supervisor.pid}/root/mnt`, image, hostname);
    child.stdin.write(`${lowers.join(':')}\n`);
  } catch (error) {
    supervisor.kill();
    throw error;
  }
  return supervisor;
}

/** Fills the overlay's upper folder. Returns its lower ones, uppermost first, as the supervisor sees them. */
async function fill(mnt: string, image: Image, hostname: string): Promise<string[]> {
  const lowers = [...image.layers];
  if (image.system === 'host') {
    await hideMachine(`${mnt}/hidden`, `${mnt}/upper`, [CACHE]);
    lowers.unshift('/mnt/hidden');
  }
  if (image.archive) {
    await run([
      'tar',
      '--extract',
      '--xattrs',
      '--xattrs-include=*',
      `--file=${image.archive}`,
      `--directory=${mnt}/lower`,
    ]);
    lowers.unshift('/mnt/lower');
  }
  identify(`${mnt}/upper`, hostname);
  return lowers;
}

// Pipes of a child are sockets, which @types/node keeps to itself.
type Unreferable = { unref(): void };

function handleOf(child: ChildProcessWithoutNullStreams): Supervisor {
  const { pid } = child;
  if (pid === undefined) throw new Error('unshare (util-linux) could not be started');
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => output.push(text));
  }
  // Should it be killed, its listener is told to clean up; `close` comes when that is done.
  child.once('exit', () => child.stdin.end());
  child.stdin.on('error', () => {}); // it has ended: see `ended`
  // A forgotten container must not keep this process alive: its end is the container's.
  for (const handle of [child, ...child.stdio.slice(0, 3)]) (handle as Unreferable).unref();
  const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)));
  return {
    pid,
    group: `/proc/${pid}/root/sys/fs/cgroup/again-spec-${pid}`,
    ended,
    output: () => output.join(''),
    init: () => initOf(pid),
    cutPower: () => child.stdin.write('cut\n'),
    kill: () => child.stdin.end(),
  };
}
