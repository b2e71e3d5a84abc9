import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { readStat } from '../../../src/os/process.ts';
import { record } from '../state/record.ts';

const WORKER = join(import.meta.dirname, 'successor.worker.ts');

/** One side, and all that it prints. */
function startSide(side: 'adopt' | 'start'): { child: ChildProcess; printed: Promise<string> } {
  const child = spawn(process.execPath, [WORKER, side], { stdio: ['pipe', 'pipe', 'inherit', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, printed: textOf(child.stdout as Readable) };
}

async function textOf(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

const handed = { context: { home: '/x' }, seen: record() };

test.each<[string, string, object | undefined]>([
  ['holds what it is handed', `${JSON.stringify(handed)}\n`, handed],
  ['holds nothing where its waiter has ended in the middle of it', JSON.stringify(handed), undefined],
  ['holds nothing where its waiter could not record it', '', undefined],
])('a successor says which process it is, before it is told anything, and %s', async (_, text, adopted) => {
  const { child, printed } = startSide('adopt');
  const pid = child.pid as number;
  const said = await textOf(child.stdio[3] as Readable);
  expect(said).toBe(`0 ${pid}:${readStat(pid)?.start}\n`);
  (child.stdin as Writable).end(text);
  expect(JSON.parse(await printed)).toEqual(adopted ? { adopted } : {});
});

test('one that does not start is not recorded, and its waiter is told', async () => {
  const { child, printed } = startSide('start');
  expect(JSON.parse(await printed)).toEqual({
    error: 'no process could be started for what is due later',
    recorded: 0,
  });
  if (child.exitCode === null) await once(child, 'exit');
  expect(child.exitCode).toBe(0);
});
