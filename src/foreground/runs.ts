import { monotonic } from '../os/clock.ts';
import type { ProcessId } from '../os/process.ts';
import { readReportOf, wasBrokenOff } from '../puppet/report.ts';
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
  const known = new Map<string, RunFiles & { readonly goingAt: number }>();
  const keyOf = ({ pid, start }: ProcessId) => `${pid}:${start}`;
  return {
    disabledFiles,
    note({ run, puppet }) {
      if (!puppet) return;
      // Its first notification knows which report was there before it.
      if (!known.has(keyOf(run))) known.set(keyOf(run), { ...puppet, goingAt: monotonic() });
      if (puppet.isAgent) disabledFiles.add(puppet.disabledFile);
    },
    isBrokenOff(run) {
      const found = known.get(keyOf(run));
      if (!found) return false;
      const report = readReportOf(found.reportFile, found.reportMark, found.goingAt);
      return wasBrokenOff(run.pid, report, found.lockFile);
    },
  };
}
