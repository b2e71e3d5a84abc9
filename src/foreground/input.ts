import { closeSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Bytes } from '../os/bytes.ts';
import { fromText } from '../os/bytes.ts';
import { createFile, removeFile, temporaryName } from '../os/files.ts';
import { isInMemory, memoryPlaces } from '../os/memory.ts';
import { basename, join } from '../os/path.ts';
import { oneLine, Refusal } from '../os/refusal.ts';
import { SYSTEM_PATH } from '../os/spawn.ts';
import { parseArguments } from '../puppet/arguments.ts';
import { manifestSource } from '../puppet/identify.ts';
import { isRuby, parsePuppetCommandLine } from '../puppet/interpreter.ts';
import { NO_RUN } from '../puppet/processes.ts';
import { isOneRunInFront } from '../puppet/settings.ts';
import { withOrigin } from './command.ts';
import type { Origin } from './origin.ts';

/** The parts of a command line of ours that starts Puppet; undefined where it starts something else, a wrapper for example. */
export function puppetCommandOf(command: readonly string[]): ReturnType<typeof parsePuppetCommandLine> {
  const words = command.map(fromText);
  const [first = '' as Bytes] = words;
  // A script is started by its name, and the kernel puts its interpreter before it.
  return parsePuppetCommandLine(isRuby(first) ? words : (['ruby' as Bytes, ...words] as Bytes[]));
}

/**
 * The descriptor from which a `puppet apply` reads its manifest, or its catalog: 0 for standard input, another one for bash's `<(...)`. Undefined where it reads a file, or
 * where the command is something else.
 */
export function manifestDescriptor(command: readonly string[]): number | undefined {
  const puppet = puppetCommandOf(command);
  if (puppet?.subcommand !== 'apply') return undefined;
  const source = manifestSource(parseArguments(puppet.rest, 'apply'));
  if (source.kind !== 'input') return undefined;
  if (source.file === undefined || source.file === '-' || source.file === '/dev/stdin') return 0;
  const [, number] = /^\/(?:dev|proc\/self|proc\/thread-self)\/fd\/(\d{1,4})$/.exec(source.file) ?? [];
  return number === undefined ? undefined : Number(number);
}

/** Whether a command is surely a `puppet agent` that becomes a daemon, or goes into the background: nothing could be told of its runs. */
export function becomesDaemon(command: readonly string[]): boolean {
  const at = command.findIndex((word, n) => basename(word) === 'puppet' && command[n + 1] === 'agent');
  if (at < 0) return false;
  const given = parseArguments(command.slice(at + 2).map(fromText), 'agent');
  const has = (name: string) => given.some((argument) => argument.name === name && argument.value !== false);
  if (has('test') || NO_RUN.some(has)) return false;
  const environment = process.env.HOME === undefined ? [] : [fromText(`HOME=${process.env.HOME}`)];
  return !isOneRunInFront(given, environment, process.getuid?.() ?? 0);
}

/**
 * Keeps all that is read from a descriptor, and returns a function that opens it from its beginning; undefined where it is given up. It lies in a file without a name, in memory
 * where there is a tmpfs: Puppet may open `/dev/stdin` by its name, which a pipe of Node (a socket) does not allow.
 *
 * @param origin a signal that is ignored does not end the reading either
 * @param signal gives it up
 * @throws {Refusal} where there is no room for it
 */
export async function keepInput(
  descriptor: number,
  origin: Origin,
  signal: AbortSignal,
  places = memoryPlaces(),
): Promise<(() => number) | undefined> {
  const place = places.find(isInMemory) ?? tmpdir();
  const name = temporaryName(join(place, 'again-run'));
  try {
    const kept = createFile(name);
    const reading = openSync(name, 'r');
    removeFile(name);
    const failure = await copyInput(descriptor, kept, origin, signal).finally(() => closeSync(kept));
    // Opened again, it has a position of its own (proc_pid_fd(5)).
    if (failure === undefined) return () => openSync(`/proc/self/fd/${reading}`, 'r');
    closeSync(reading);
    if (signal.aborted) return undefined;
    throw new Error(failure);
  } catch (error) {
    throw new Refusal(
      `standard input cannot be kept in ${place} (${oneLine(error)}): make room there, or write the manifest to a file`,
    );
  }
}

/**
 * Copies an input to its end, and returns why that has failed; undefined where it has not. Node waits for an input either by doing nothing else, or by setting it not to block, also for all
 * who share it: cat(1) does neither.
 */
async function copyInput(
  from: number,
  to: number,
  origin: Origin,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { spawn } = process.getBuiltinModule('node:child_process');
  const [file = '', ...args] = withOrigin(['cat'], origin);
  const child = spawn(file, args, {
    env: { PATH: SYSTEM_PATH, LC_ALL: 'C' },
    stdio: [from, to, 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  });
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += String(chunk);
  });
  return new Promise((resolve) => {
    child.on('error', (error) => {
      said ||= oneLine(error);
      if (child.pid === undefined) resolve(said);
    });
    child.on('close', (code) => resolve(code === 0 ? undefined : said || 'cat was killed'));
  });
}
