import { WITHOUT_REALTIME_SIGNALS } from '../os/signals.ts';
import { parseVerdict, type Verdict } from '../os/verdict.ts';

export interface WaiterCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly environment: Record<string, string>;
  /** The words for a failure of that command to start a waiter. */
  readonly failure: string;
}

/**
 * Starts a waiter in a session of its own and waits for its verdict, as the launcher of the module does from a shell. An error before
 * that (systemd-run that may not, for example) is reported in the command's own words.
 */
export async function relay({ file, args, environment, failure }: WaiterCommand): Promise<Verdict> {
  const { spawn } = await import('node:child_process');
  const child = spawn('/bin/sh', ['-c', WITHOUT_REALTIME_SIGNALS, 'sh', file, ...args], {
    cwd: '/',
    env: environment,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  const failed = new Promise<string>((resolve) => child.on('error', (error) => resolve(error.message)));
  const [, , errors, verdicts] = child.stdio as unknown as [
    null,
    null,
    NodeJS.ReadableStream,
    NodeJS.ReadableStream,
  ];
  // Its end does not matter where there is a verdict; the stream is then destroyed.
  const complaint = Promise.race([failed, everything(errors).catch(() => '')]);
  const verdict = parseVerdict(await Promise.race([failed.then(() => ''), everything(verdicts)]));
  if (verdict) {
    child.stderr?.destroy();
    child.unref();
    return verdict;
  }
  const words = (await complaint).trim().replace(/\s*\n\s*/g, ' ');
  return { exitCode: 1, text: `again: ${failure}: ${words || `${file} ended at once`}` };
}

async function everything(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}
