import { spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childrenOf } from './processes.ts';

/** The result of a command that has ended. */
export interface Finished {
  /** Exit code, or -1 when a signal ended the command. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** The whole environment. Default: the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Text for standard input. Default: `/dev/null`. */
  readonly input?: string;
  /**
   * Milliseconds after which the command and its direct children are killed and the promise rejects.
   * Default 120000.
   */
  readonly timeoutMs?: number;
  /** The name of the command in errors. Default: its words. */
  readonly label?: string;
  /** Reject when the exit code is not 0. Default true. */
  readonly check?: boolean;
}

/**
 * Runs a command in a session of its own, until *it* ends: background processes that it leaves behind may
 * keep its output open, because that goes to files that have no name.
 *
 * @throws Error when the command can't be started, takes too long, or (`check`) fails; the message has its
 *   output.
 */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const { env = process.env, input, timeoutMs = 120_000, check = true, label = argv.join(' ') } = options;
  const [out, err] = namelessFiles(2) as [number, number];
  try {
    const code = await ended(argv, env, input, timeoutMs, [out, err]);
    const finished = { code: code ?? -1, stdout: contentOf(out), stderr: contentOf(err) };
    if (code === 'timeout' || (check && code !== 0))
      throw new Error(describe(label, code, timeoutMs, finished));
    return finished as Finished;
  } finally {
    closeSync(out);
    closeSync(err);
  }
}

type End = number | null | 'timeout';

function ended(
  [file = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  input: string | undefined,
  timeoutMs: number,
  [out, err]: readonly [number, number],
): Promise<End> {
  return new Promise((resolve, reject) => {
    const stdin = input === undefined ? 'ignore' : 'pipe';
    const child = spawn(file, args, { env, detached: true, stdio: [stdin, out, err] });
    let end: End = null;
    const timer = setTimeout(() => {
      end = 'timeout';
      for (const pid of [...childrenOf(child.pid), child.pid]) kill(pid);
    }, timeoutMs);
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(timer);
      resolve(end ?? code);
    });
    child.stdin?.on('error', () => {}); // a command need not read its input
    child.stdin?.end(input);
  });
}

function kill(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  } catch {
    // gone by itself
  }
}

function describe(
  label: string,
  code: End,
  timeoutMs: number,
  { stdout, stderr }: Pick<Finished, 'stdout' | 'stderr'>,
) {
  const how = code === 'timeout' ? `took longer than ${timeoutMs} ms` : `ended with ${code}`;
  return `${label} ${how}\n${stdout}${stderr}`;
}

function namelessFiles(count: number): number[] {
  const folder = mkdtempSync(join(tmpdir(), 'again-spec-'));
  try {
    return Array.from({ length: count }, (_, index) => openSync(join(folder, `${index}`), 'w+', 0o600));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// By position: the command shares the file's offset, which it has moved to the end.
function contentOf(file: number): string {
  const bytes = Buffer.alloc(fstatSync(file).size);
  readSync(file, bytes, 0, bytes.length, 0);
  return bytes.toString();
}
