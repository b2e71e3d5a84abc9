// The room foreground/ runs Puppet in front of a person: `again run`, and `again wait`.

import type { ChildProcess } from 'node:child_process';
import { accessSync, constants as modes, statSync } from 'node:fs';
import { constants } from 'node:os';
import { getSystemErrorMessage } from 'node:util';
import { join } from '../os/path.ts';
import { oneLine } from '../os/refusal.ts';
import type { Origin } from './origin.ts';
import type { CommandEnd } from './outcome.ts';

/** A command that was started. */
export interface Going {
  /** undefined where it could not be started. */
  readonly pid: number | undefined;
  readonly ended: Promise<CommandEnd>;
}

export interface Start {
  readonly command: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly origin: Origin;
  /** The input that it has as one of its descriptors, in place of this process's own. */
  readonly input: { readonly descriptor: number; readonly from: number } | undefined;
}

/** Starts a command in this process's own group and terminal, with signals, limits and descriptors as this process was started with. */
export function startCommand({ command, environment, origin, input }: Start): Going {
  const problem = whyNot(command[0] ?? '', environment.PATH);
  if (problem) return { pid: undefined, ended: Promise.resolve(problem) };
  const { spawn } = process.getBuiltinModule('node:child_process');
  const [file = '', ...args] = withOrigin(command, origin);
  let child: ChildProcess;
  try {
    child = spawn(file, args, { env: environment, stdio: descriptorsOf(origin, input) as never });
  } catch (error) {
    // Node throws what it does not expect of execve(2), such as E2BIG.
    return { pid: undefined, ended: Promise.resolve(notStarted(error as NodeJS.ErrnoException)) };
  }
  const ended = new Promise<CommandEnd>((resolve) => {
    child.on('error', (error) => resolve(notStarted(error)));
    child.on('exit', (code, signal) =>
      resolve(
        signal === null
          ? { kind: 'exited', code: code ?? 0 }
          : { kind: 'killed', signal: constants.signals[signal] },
      ),
    );
  });
  return { pid: child.pid, ended };
}

/** The kernel's word for why a command was not started, and the exit code of a shell for that. */
function notStarted(error: NodeJS.ErrnoException): CommandEnd {
  const { code, errno } = error;
  const because = errno === undefined ? oneLine(error) : `${getSystemErrorMessage(errno)} (${code})`;
  return { kind: 'not started', code: code === 'ENOENT' ? 127 : 126, because };
}

/** Descriptors have the numbers in the command that they have here; `ignore` leaves one out beyond 2. */
function descriptorsOf({ descriptors }: Origin, input: Start['input']): (number | 'ignore')[] {
  const highest = Math.max(2, ...descriptors);
  return Array.from({ length: highest + 1 }, (_, number) => {
    if (number === input?.descriptor) return input.from;
    return number <= 2 || descriptors.includes(number) ? number : 'ignore';
  });
}

/** A shell that sets what Node has changed, and then becomes the command; the command itself where nothing is to be set. */
export function withOrigin(command: readonly string[], { ignored, openFiles }: Origin): string[] {
  const settings = [
    ...(openFiles ? [`ulimit -Sn ${openFiles.soft ?? 'unlimited'}`] : []),
    // A number that this shell does not know is no reason not to run.
    ...(ignored.length > 0 ? [`command trap '' ${ignored.join(' ')}`] : []),
  ];
  if (settings.length === 0) return [...command];
  return ['/bin/sh', '-c', `${settings.join(' 2>/dev/null; ')} 2>/dev/null; exec "$@"`, 'sh', ...command];
}

/** Where a shell looks that has no PATH (execvp(3)). */
const DEFAULT_PATH = '/bin:/usr/bin';

/** Why a shell would not start a command of this name. */
export function whyNot(
  name: string,
  path = DEFAULT_PATH,
): (CommandEnd & { kind: 'not started' }) | undefined {
  const candidates = name.includes('/') ? [name] : path.split(':').map((folder) => join(folder || '.', name));
  const found = candidates.filter(isThere);
  if (found.some(isExecutable)) return undefined;
  return found.length === 0
    ? { kind: 'not started', code: 127, because: name.includes('/') ? 'no such file' : 'not found in PATH' }
    : { kind: 'not started', code: 126, because: 'is no file that can be executed' };
}

function isThere(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false; // a folder on the way is not to be entered
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, modes.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
