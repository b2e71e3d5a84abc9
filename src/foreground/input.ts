import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Bytes } from '../os/bytes.ts';
import { fromText } from '../os/bytes.ts';
import { createFile, removeFile, temporaryName } from '../os/files.ts';
import { isInMemory, memoryPlaces } from '../os/memory.ts';
import { basename, join } from '../os/path.ts';
import { oneLine, Refusal } from '../os/refusal.ts';
import { parseArguments } from '../puppet/arguments.ts';
import { manifestSource } from '../puppet/identify.ts';
import { isRuby, parsePuppetCommandLine } from '../puppet/interpreter.ts';
import { NO_RUN } from '../puppet/processes.ts';
import { isOneRunInFront } from '../puppet/settings.ts';

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
 * Keeps all that is read from a descriptor, and returns a function that opens it from its beginning. It lies in a file without a name, in memory where there is a tmpfs:
 * Puppet may open `/dev/stdin` by its name, which a pipe of Node (a socket) does not allow.
 *
 * Blocks until the input has ended, as Puppet would; a signal then ends this process as it would end Puppet.
 *
 * @throws {Refusal} where there is no room for it
 */
export function keepInput(descriptor: number, places = memoryPlaces()): () => number {
  const place = places.find(isInMemory) ?? tmpdir();
  const name = temporaryName(join(place, 'again-run'));
  let reading: number;
  try {
    const kept = createFile(name);
    reading = openSync(name, 'r');
    removeFile(name);
    copyInput(descriptor, kept);
    closeSync(kept);
  } catch (error) {
    throw new Refusal(
      `standard input cannot be kept in ${place} (${oneLine(error)}): make room there, or write the manifest to a file`,
    );
  }
  // Opened again, it has a position of its own (proc_pid_fd(5)).
  return () => openSync(`/proc/self/fd/${reading}`, 'r');
}

function copyInput(from: number, to: number): void {
  const room = Buffer.allocUnsafe(64 * 1024);
  for (let length = -1; length !== 0; ) {
    length = readInput(from, room);
    for (let rest = room.subarray(0, length); rest.length > 0; ) rest = rest.subarray(writeSync(to, rest));
  }
}

/** Milliseconds until the next look at an input that is set not to block. */
const RETRY_MS = 20;

function readInput(descriptor: number, room: Buffer): number {
  for (;;) {
    try {
      return readSync(descriptor, room, 0, room.length, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}
