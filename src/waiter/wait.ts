import { monotonic } from '../clock.ts';
import { log } from '../journal.ts';
import { dirname } from '../path.ts';
import { readReport, reportMark } from '../puppet/report.ts';
import { restoreOpenFiles } from '../rerun/limit.ts';
import { displayNames } from '../schedule/names.ts';
import { nextStep } from '../schedule/plan.ts';
import { openStateFolder } from '../state/folder.ts';
import { settleOutcomes } from '../state/outcomes.ts';
import type { CommandRecord } from '../state/records.ts';
import { isShuttingDown } from '../systemd/systemctl.ts';
import type { Held } from './held.ts';
import { giveUpRecord, noteRunEnd, ownRecord, watchRecord } from './record.ts';
import { runEnds } from './run-end.ts';
import type { Wakeup } from './wakeup.ts';
import type { Witness } from './witness.ts';

/** Milliseconds between two looks at an agent that is disabled, and at a unit that is about to end. */
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
  watchRecord(held, wakeup);
  const limitRestored = restoreOpenFiles(held.surroundings.openFiles);
  const puppetState = dirname(held.puppet.reportFile);
  let environment = held.environment;
  let witness: Witness | undefined;
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
        if (await runEnds(step.run, wakeup, puppetState, loadPartEarly)) {
          await noteRunEnd(held, step.run);
          environment = environmentOfRun(held);
          settleOutcomes(openStateFolder(held.home));
        }
        return 'go on';
      case 'await-time':
        await wakeup.sleep(step.until - monotonic());
        return 'go on';
      case 'rerun': {
        const { createWitness, findBlocker, noteSatisfied, startRerun } = await loadPart();
        witness ??= createWitness(held.puppet, () => environment);
        const blocker = await findBlocker(record.command, held);
        const satisfied = witness.observe(blocker?.kind === 'run' ? blocker.run : undefined);
        if (satisfied !== undefined) await noteSatisfied(held, record, satisfied);
        else if (blocker?.kind === 'run') await runEnds(blocker.run, wakeup, puppetState);
        else if (blocker) await wakeup.sleep(DISABLED_POLL_MS);
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

/** What is needed when something is due. A waiter may live for days before that, so it is loaded late, and best while the run is at its end. */
const loadPart = () => import('./part.ts');
const loadPartEarly = () => void loadPart().catch(() => {}); // whoever needs it is told

/** The Puppet environment of the run that notified, from its report; undefined where there is no new one. */
function environmentOfRun({ puppet, reportMark: before }: Held): string | undefined {
  return reportMark(puppet.reportFile) === before ? undefined : readReport(puppet.reportFile)?.environment;
}
