import { join } from 'node:path';
import { monotonic } from '../clock.ts';
import { log } from '../journal.ts';
import { type ProcessId, watchProcess } from '../proc/process.ts';
import { readReport, reportMark } from '../puppet/report.ts';
import { restoreOpenFiles } from '../rerun/limit.ts';
import { displayNames } from '../schedule/names.ts';
import { nextStep } from '../schedule/plan.ts';
import { openStateFolder } from '../state/folder.ts';
import { settleOutcomes } from '../state/outcomes.ts';
import type { CommandRecord } from '../state/records.ts';
import { isShuttingDown } from '../systemd/systemctl.ts';
import { findBlocker } from './blocker.ts';
import type { Held } from './held.ts';
import { giveUpRecord, noteRunEnd, noteSatisfied, ownRecord } from './record.ts';
import { startRerun } from './start.ts';
import type { Wakeup } from './wakeup.ts';
import { createWitness } from './witness.ts';

/** Milliseconds between two looks at a run that goes on, and at a lock or a disabled agent. */
const RUN_POLL_MS = 25;
const BLOCKED_POLL_MS = 100;
const DISABLED_POLL_MS = 1000;
/** Milliseconds until another attempt after something failed that may pass. */
const RETRY_MS = 1000;

/**
 * Waits until what is pending is due and no run goes on, then becomes the rerun. Returns only when this process has nothing to wait for any
 * more: cancelled, taken over by another waiter, or not able to run.
 *
 * @param recorded what was recorded with this process as the waiter
 */
export async function waitAndBecome(
  held: Held,
  recorded: CommandRecord,
  wakeup: Wakeup,
  cancelled: () => boolean,
): Promise<void> {
  wakeup.watch(join(openStateFolder(held.home), 'commands'));
  const limitRestored = await restoreOpenFiles(held.surroundings.openFiles);
  let environment = held.environment;
  const witness = createWitness(held.puppet, () => environment);
  let known = recorded;
  const look = async (): Promise<'go on' | 'end'> => {
    const record = await ownRecord(held, known, wakeup);
    if (!record) return 'end';
    known = record;
    const step = nextStep(record.entries, monotonic());
    switch (step.kind) {
      case 'finish':
        await giveUpRecord(held);
        return 'end';
      case 'await-run':
        if (await runEnds(step.run, wakeup)) {
          await noteRunEnd(held, step.run);
          environment = environmentOfRun(held);
          settleOutcomes(openStateFolder(held.home));
        }
        return 'go on';
      case 'await-time':
        await wakeup.sleep(step.until - monotonic());
        return 'go on';
      case 'rerun': {
        const blocker = await findBlocker(record.command, held);
        const satisfied = witness.observe(blocker?.kind === 'run' ? blocker.run : undefined);
        if (satisfied !== undefined) await noteSatisfied(held, record, satisfied);
        else if (blocker) await wakeup.sleep(blocker.kind === 'run' ? BLOCKED_POLL_MS : DISABLED_POLL_MS);
        else if (await startRerun({ ...held, environment }, limitRestored, cancelled)) return 'end';
        return 'go on';
      }
    }
  };
  while (!cancelled()) {
    try {
      if ((await look()) === 'end') return;
    } catch {
      // No room on the disk, a state folder that cannot be used, systemd that does not answer: what is pending is kept here until that passes.
      await wakeup.sleep(RETRY_MS);
    }
  }
  // What a shutdown ends stays recorded, and is reported as lost after the next boot.
  if (await isShuttingDown()) return;
  log('cancelled', displayNames(known.entries));
  await giveUpRecord(held);
}

/** The Puppet environment of the run that notified, from its report; undefined where there is no new one. */
function environmentOfRun({ puppet, reportMark: before }: Held): string | undefined {
  return reportMark(puppet.reportFile) === before ? undefined : readReport(puppet.reportFile)?.environment;
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
