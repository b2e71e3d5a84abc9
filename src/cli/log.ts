import { spawn } from 'node:child_process';
import { createReadStream, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { oneLine, Refusal } from '../os/refusal.ts';
import { runSilently, SYSTEM_PATH } from '../os/spawn.ts';
import type { PastRerun } from '../state/history.ts';
import { logPath } from '../state/logs.ts';
import { isRunning } from '../state/outcomes.ts';
import { journalWords } from '../state/output.ts';

const POLL_MS = 200;
/** The journal is asked less often, since that starts a program. */
const JOURNAL_POLL_MS = 1000;

/**
 * Copies the output of a rerun to a stream.
 *
 * @param id the newest rerun where undefined
 * @param follow whether to continue until the rerun has ended
 * @throws {Refusal} where there is no such rerun, or its log has made room for newer ones
 * @throws {Error} where the stream can't be written any more
 */
export async function showLog(
  folder: string,
  history: readonly PastRerun[],
  { id, follow }: { readonly id: string | undefined; readonly follow: boolean },
  output: NodeJS.WritableStream,
): Promise<void> {
  const rerun = id === undefined ? history.at(-1) : history.find((one) => one.id === id);
  if (!rerun)
    throw new Refusal(
      id === undefined
        ? 'there was no rerun yet'
        : `no rerun has the id ${JSON.stringify(id)}: see \`again history\``,
    );
  const path = logPath(folder, `${rerun.id}.log`);
  if (rerun.journal) {
    // The file says how it was started, or why it could not be.
    if (statSync(path, { throwIfNoEntry: false })) await copy(path, output);
    return showJournal(rerun, journalWords(rerun, history), follow, output);
  }
  if (!statSync(path, { throwIfNoEntry: false }))
    throw new Refusal(`the log of ${rerun.id} is gone: only the newest ones are kept`);
  for (let shown = 0; ; await sleep(POLL_MS)) {
    const running = rerun.unit === null && isRunning(rerun); // a unit writes elsewhere
    const { size } = statSync(path);
    if (size > shown) await copy(path, output, { start: shown, end: size - 1 });
    shown = size;
    if (!follow || !running) return;
  }
}

/** Copies a file, or a part of it, to a stream that stays open. */
async function copy(
  path: string,
  output: NodeJS.WritableStream,
  part: { start?: number; end?: number } = {},
): Promise<void> {
  for await (const chunk of createReadStream(path, part)) await write(output, chunk);
}

/**
 * Writes to a stream, and waits until that is done.
 *
 * @throws {Error} where it can't be written any more: its reader may have ended
 */
function write(output: NodeJS.WritableStream, chunk: string | Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

async function showJournal(
  rerun: PastRerun,
  words: readonly string[],
  follow: boolean,
  output: NodeJS.WritableStream,
): Promise<void> {
  for (let cursor: string | undefined; ; await sleep(JOURNAL_POLL_MS)) {
    const running = isRunning(rerun);
    // The last lines of a process that has ended may still be on their way; only root may ask for them, and others see them a moment later.
    if (!running) runSilently('journalctl', ['--sync']);
    const from = cursor === undefined ? words : afterCursor(words, cursor);
    const { text, last } = splitCursor(await journalctl([...from, '--show-cursor']));
    cursor = last ?? cursor;
    await write(output, text);
    if (!follow || !running) return;
  }
}

/** The same words for what has come since: journalctl takes a cursor or a time. */
function afterCursor(words: readonly string[], cursor: string): string[] {
  return [...words.filter((word) => !word.startsWith('--since=')), `--after-cursor=${cursor}`];
}

/** Parts what journalctl shows from the line behind it that says how far that was (`--show-cursor`). */
export function splitCursor(shown: string): { readonly text: string; readonly last: string | undefined } {
  const match = /(?:^|\n)-- cursor: ([^\n]*)\n$/.exec(shown);
  if (!match) return { text: shown, last: undefined };
  return { text: shown.slice(0, match.index + (match.index === 0 ? 0 : 1)), last: match[1] };
}

/** @throws {Refusal} where the journal can't be read here */
async function journalctl(words: readonly string[]): Promise<string> {
  const child = spawn('journalctl', words, {
    env: { PATH: SYSTEM_PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [said, errors]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => said.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const failure = await new Promise<string | undefined>((resolve) => {
    child.on('error', (error) => resolve(oneLine(error)));
    child.on('close', (code) =>
      resolve(code === 0 ? undefined : Buffer.concat(errors).toString().trim() || `it exits with ${code}`),
    );
  });
  if (failure === undefined) return Buffer.concat(said).toString();
  throw new Refusal(
    `the output is in the journal, which journalctl cannot show here (${oneLine(failure)}): check that there is room for it, and that this user may read it`,
  );
}
