import { setTimeout as sleep } from 'node:timers/promises';
import { monotonic } from '../../os/clock.ts';
import { allPids, readStat, withDescendants } from '../../os/process.ts';
import { randomHex } from '../../os/random.ts';
import { readBytes } from '../../os/read.ts';
import { hasEnded } from '../../os/stat.ts';

export interface ProgramOptions {
  readonly environment: Readonly<Record<string, string>>;
  /** Default: the directory of this process */
  readonly directory?: string | undefined;
  /** Milliseconds after which it is ended. */
  readonly limitMs: number;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Whether its output is kept, 64 KiB at most. Default: it has none */
  readonly output?: boolean;
}

export type ProgramEnd =
  | { readonly kind: 'exited'; readonly code: number; readonly output: string }
  | { readonly kind: 'killed'; readonly by: NodeJS.Signals }
  /** `code` is the name of the error, `ENOENT` for example. */
  | { readonly kind: 'not started'; readonly code: string }
  | { readonly kind: 'ended'; readonly because: 'time' | 'signal' };

const MOST_OUTPUT = 64 * 1024;

/** Milliseconds for which the end of what was killed is waited for: the kernel may hold it up, as where a disk does not answer. Then others have their turn. */
const DYING_MS = 2000;

/** This variable identifies what a program has started, also when that has left its session and its parent. */
export const CHECK_VARIABLE = 'AGAIN_CHECK';

/**
 * Runs a program to its end, in a session and a process group of its own, without input, and leaves no process of it behind: one that
 * outlives the limit or the signal is killed with all that has come from it. The processes that an ended program has left in its group
 * are killed, too. Only a process that the kernel does not let die at once may outlive this.
 */
export async function runProgram(words: readonly string[], options: ProgramOptions): Promise<ProgramEnd> {
  const { environment, directory, limitMs, signal, output = false } = options;
  if (signal.aborted) return { kind: 'ended', because: 'signal' };
  const { spawn } = process.getBuiltinModule('node:child_process');
  const [file = '', ...args] = words;
  const mark = `${process.pid}-${randomHex(12)}`;
  let child: ReturnType<typeof spawn>;
  try {
    child = spawn(file, args, {
      env: { ...environment, [CHECK_VARIABLE]: mark },
      ...(directory === undefined ? {} : { cwd: directory }),
      detached: true,
      stdio: ['ignore', output ? 'pipe' : 'ignore', 'ignore'],
    });
  } catch (error) {
    return { kind: 'not started', code: codeOf(error) };
  }
  let text = '';
  child.stdout?.on('data', (chunk) => {
    if (text.length < MOST_OUTPUT) text += String(chunk);
  });
  let ended: 'time' | 'signal' | undefined;
  let hasExited = false;
  let family: readonly number[] = [];
  let abort = () => {};
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve) => {
      const end = (because: 'time' | 'signal') => {
        ended ??= because;
        // Its pid may be another one's by now; only its output is still open, in a process that has left its group.
        if (hasExited) resolve({ kind: 'ended', because: ended });
        else if (child.pid !== undefined) family = killFamily(child.pid, `${CHECK_VARIABLE}=${mark}`);
        clearTimeout(timer);
        timer = setTimeout(() => resolve({ kind: 'ended', because }), DYING_MS);
      };
      abort = () => end('signal');
      timer = setTimeout(() => end('time'), limitMs);
      signal.addEventListener('abort', abort);
      child.on('error', (error) => {
        if (child.pid === undefined) resolve({ kind: 'not started', code: codeOf(error) });
      });
      child.on('exit', () => {
        hasExited = true;
        // The processes that it has left in its group. As long as there are any, no other process gets the number.
        if (child.pid !== undefined) killGroup(child.pid);
      });
      child.on(output ? 'close' : 'exit', (code, by) => {
        const because = ended;
        // Its descendants may die a moment after it.
        if (because) void untilGone(family).then(() => resolve({ kind: 'ended', because }));
        else if (by) resolve({ kind: 'killed', by });
        else resolve({ kind: 'exited', code: code ?? 0, output: text.slice(0, MOST_OUTPUT) });
      });
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    child.stdout?.destroy();
  }
}

/** How often the family of a program is looked for before it is killed: one that starts processes without end stands still by then. */
const MOST_LOOKS = 20;

/** Kills a program and all that has come from it, and returns the pids. Stopped first, none of it can start more, or lose its parent, meanwhile. */
function killFamily(pid: number, mark: string): number[] {
  const family = new Set<number>();
  for (let look = 0; look < MOST_LOOKS; look += 1) {
    const found = new Set([...withDescendants(pid), ...marked(mark)]);
    const fresh = [...found].filter((one) => !family.has(one));
    if (fresh.length === 0) break;
    for (const one of fresh) {
      family.add(one);
      send(one, 'SIGSTOP');
    }
  }
  killGroup(pid);
  for (const one of family) send(one, 'SIGKILL');
  return [...family];
}

/** Waits until none of these processes does anything any more, for as long as a process may take to die. */
async function untilGone(pids: readonly number[]): Promise<void> {
  const deadline = monotonic() + DYING_MS;
  while (pids.some((pid) => !hasEnded(readStat(pid))) && monotonic() < deadline) await sleep(5);
}

/** Pids of all processes of this user with a variable in their environment. */
function marked(variable: string): number[] {
  return allPids().filter((pid) => {
    try {
      return readBytes(`/proc/${pid}/environ`).includes(variable);
    } catch {
      return false; // it has ended, or is another user's
    }
  });
}

function killGroup(pid: number): void {
  send(-pid, 'SIGKILL');
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended, or has become another user's.
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'an unknown error';
}
