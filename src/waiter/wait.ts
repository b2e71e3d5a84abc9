import { monotonic } from '../clock.ts';
import { type ProcessId, watchProcess } from '../proc/process.ts';
import { restoreOpenFiles } from '../rerun/limit.ts';
import { nextStep } from '../schedule/plan.ts';
import type { CommandRecord } from '../state/records.ts';
import { findBlocker } from './blocker.ts';
import type { Held } from './held.ts';
import { giveUpRecord, noteRunEnd, ownRecord } from './record.ts';
import { startRerun } from './start.ts';
import { createWakeup, type Wakeup } from './wakeup.ts';

/** Milliseconds between two looks at a run that goes on, and at a lock or a disabled agent. */
const RUN_POLL_MS = 25;
const BLOCKED_POLL_MS = 100;

/**
 * Waits until what is pending is due and no run goes on, then becomes the rerun. Returns only when this process has nothing to wait for any
 * more: cancelled, taken over by another waiter, or not able to run.
 *
 * @param recorded what was recorded with this process as the waiter
 */
export async function waitAndBecome(held: Held, recorded: CommandRecord, wakeup: Wakeup, cancelled: () => boolean): Promise<void> {
  const limitRestored = await restoreOpenFiles(held.surroundings.openFiles);
  for (let known = recorded; !cancelled(); ) {
    const record = await ownRecord(held, known, wakeup);
    if (!record) return;
    known = record;
    const step = nextStep(record.entries, monotonic());
    switch (step.kind) {
      case 'finish':
        return giveUpRecord(held);
      case 'await-run':
        if (await runEnds(step.run, wakeup)) await noteRunEnd(held, step.run);
        break;
      case 'await-time':
        await wakeup.sleep(step.until - monotonic());
        break;
      case 'rerun':
        if (findBlocker(record.command, held.puppet)) await wakeup.sleep(BLOCKED_POLL_MS);
        else if (await startRerun(held, limitRestored, cancelled)) return;
        break;
    }
  }
  return giveUpRecord(held);
}

/** Makes what a waiter sleeps with, and lets SIGTERM and SIGINT cancel it; a closed terminal (SIGHUP) does nothing. */
export function listen(): { wakeup: Wakeup; cancelled: () => boolean } {
  const wakeup = createWakeup();
  let cancelled = false;
  const cancel = () => {
    cancelled = true;
    wakeup.poke();
  };
  process.on('SIGTERM', cancel);
  process.on('SIGINT', cancel);
  process.on('SIGHUP', () => {});
  return { wakeup, cancelled: () => cancelled };
}

/** Waits for the end of a run, for a minute at most; false when something else came first. */
async function runEnds(run: ProcessId, wakeup: Wakeup): Promise<boolean> {
  const watched = watchProcess(run);
  const deadline = monotonic() + 60_000;
  try {
    while (!watched.ended()) {
      if (monotonic() > deadline || (await wakeup.sleep(RUN_POLL_MS))) return false;
    }
    return true;
  } finally {
    watched.close();
  }
}
