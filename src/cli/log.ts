import { createReadStream, statSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Refusal } from '../os/refusal.ts';
import type { PastRerun } from '../state/history.ts';
import { logPath } from '../state/logs.ts';
import { isRunning } from '../state/outcomes.ts';

const POLL_MS = 200;

/**
 * Copies the output of a rerun to a stream.
 *
 * @param id the newest rerun where undefined
 * @param follow go on until the rerun has ended
 * @throws {Refusal} where there is no such rerun, or its log has made room for newer ones
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
  if (!statSync(path, { throwIfNoEntry: false }))
    throw new Refusal(`the log of ${rerun.id} is gone: only the newest ones are kept`);
  for (let shown = 0; ; await sleep(POLL_MS)) {
    const running = isRunning(rerun);
    const { size } = statSync(path);
    if (size > shown)
      await pipeline(createReadStream(path, { start: shown, end: size - 1 }), output, { end: false });
    shown = size;
    if (!follow || !running) return;
  }
}
