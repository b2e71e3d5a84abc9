import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { fault } from '../os/fault.ts';
import { type ProcessId, self } from '../os/process.ts';
import { isSameFile } from '../os/read.ts';
import { Refusal } from '../os/refusal.ts';
import { parseVerdict, say } from '../os/verdict.ts';
import type { Entry } from '../schedule/entry.ts';
import { canonicalArguments } from '../schedule/request.ts';
import type { CommandRecord } from '../state/records.ts';
import { adoptWords, ownWords } from './condition/words.ts';
import type { WaiterContext } from './context.ts';

/** The data that a successor is handed. */
interface Adopted {
  readonly context: WaiterContext;
  readonly seen: CommandRecord;
}

/**
 * Starts the waiter that keeps what is due later, when this one becomes Puppet. Puppet must not find itself with a child that it never
 * started, so a shell stands between and ends at once.
 *
 * @param first what is due next: its name and delta are for people who read the argument list
 * @param record called with the successor's name once it lives; what it writes is what the successor finds
 */
export async function startSuccessor(
  context: WaiterContext,
  first: Entry,
  record: (waiter: ProcessId) => CommandRecord,
): Promise<void> {
  const shown = canonicalArguments({ ...first, name: first.name });
  const { spawn } = await import('node:child_process');
  const child = spawn('/bin/sh', ['-c', '"$0" "$@" <&4 4<&- &', thisProgram(), '--adopt', ...shown], {
    env: { MALLOC_ARENA_MAX: '1', UV_THREADPOOL_SIZE: '1' }, // as the launcher does
    detached: true,
    // The words of conditions (INHERITED_WORDS of condition/words.ts) come by a descriptor: a notification must find them from the moment on at which the record names it.
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe', ownWords() ?? 'ignore'],
  });
  const ended = new Promise((resolve) => child.on('exit', resolve).on('error', resolve));
  const [, , , verdicts, input] = child.stdio as unknown as [null, null, null, Readable, Writable];
  input.on('error', () => {});
  try {
    const verdict = parseVerdict(await firstLine(verdicts));
    const [pid, start] = (verdict?.text ?? '').split(':').map(Number);
    if (verdict?.exitCode !== 0 || !pid || start === undefined)
      throw new Refusal('no process could be started for what is due later');
    fault('successor.started');
    const seen = record({ pid, start });
    fault('successor.recorded');
    const handed = new Promise<void>((resolve) =>
      input.end(`${JSON.stringify({ context, seen } satisfies Adopted)}\n`, () => resolve()),
    );
    await Promise.all([ended, handed]);
  } finally {
    // Without what it is to hold, the successor ends: nothing is left where something failed.
    input.destroy();
    verdicts.destroy();
  }
}

/**
 * The successor's side of it: says who it is, then reads what it is to hold. All is recorded by the time that the input ends; where that ends without a
 * word, its waiter could not record it, and still waits itself.
 */
export function adopt(): Adopted | undefined {
  const { pid, start } = self();
  adoptWords();
  say({ exitCode: 0, text: `${pid}:${start}` });
  fault('successor.waiting');
  const handed = readFileSync(0, 'utf8');
  fault('successor.told');
  if (!handed.endsWith('\n')) return undefined;
  return JSON.parse(handed) as Adopted;
}

/** This very program, also where an update has put another one in its place: the data that it hands over is for its own version. */
function thisProgram(): string {
  const image = `/proc/${process.pid}/exe`;
  return isSameFile(image, process.execPath) ? process.execPath : image;
}

async function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  return text;
}
