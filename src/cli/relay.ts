import { spawn } from 'node:child_process';
import { canonicalArguments, type Request } from '../request.ts';
import { parseVerdict, type Verdict } from '../verdict.ts';

/**
 * Does from Node what the launcher does from a shell: starts a waiter in a session of its own, with an empty environment, and waits for
 * its verdict.
 */
export async function relay(request: Request): Promise<Verdict> {
  const child = spawn(process.execPath, [...canonicalArguments(request), '--parent', String(process.ppid)], {
    argv0: 'again',
    cwd: '/',
    env: {},
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const failed = new Promise<string>((resolve) => child.on('error', (error) => resolve(`1 again: cannot be started: ${error.message}\n`)));
  const verdict = parseVerdict(await Promise.race([failed, everything(child.stdio[3] as NodeJS.ReadableStream)]));
  child.unref();
  return verdict ?? { exitCode: 1, text: 'again: the waiter ended before it could say anything' };
}

async function everything(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}
