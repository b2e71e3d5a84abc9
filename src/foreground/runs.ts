import type { ProcessId } from '../os/process.ts';
import { readNewReport, wasBrokenOff } from '../puppet/report.ts';
import type { Notice, RunFiles } from '../state/channel-message.ts';

/** The runs that have notified, by what they have told of themselves. */
export interface Runs {
  note(notice: Notice): void;
  /** Each shows that the agent of one of them is disabled. */
  readonly disabledFiles: ReadonlySet<string>;
  /** Whether one of them, which has ended, did not come to its end. */
  isBrokenOff(run: ProcessId): boolean;
}

export function createRuns(): Runs {
  const disabledFiles = new Set<string>();
  const files = new Map<string, RunFiles>();
  const keyOf = ({ pid, start }: ProcessId) => `${pid}:${start}`;
  return {
    disabledFiles,
    note({ run, puppet }) {
      if (!puppet) return;
      // Its first notification knows which report was there before it.
      if (!files.has(keyOf(run))) files.set(keyOf(run), puppet);
      if (puppet.isAgent) disabledFiles.add(puppet.disabledFile);
    },
    isBrokenOff(run) {
      const found = files.get(keyOf(run));
      if (!found) return false;
      return wasBrokenOff(run.pid, readNewReport(found.reportFile, found.reportMark), found.lockFile);
    },
  };
}
