import { monotonic } from '../clock.ts';
import { type ProcessId, readAncestry, sameProcess } from '../proc/process.ts';
import { startTime } from '../proc/start-time.ts';
import { flag, text } from '../puppet/arguments.ts';
import { isFullSuccess, type ReportMark, readReport, reportMark } from '../puppet/report.ts';
import type { PuppetSettings } from '../puppet/settings.ts';
import { identifyRun } from '../run/identify.ts';

/** Watches the runs of others that hold up a rerun that is due: one of them may do all that the rerun would. */
export interface Witness {
  /**
   * Takes note of who goes on now. Returns since when (monotonic milliseconds) everything due counts as satisfied: when a run that began
   * by then has just ended in full and with success, by Puppet's own report. In any doubt: undefined.
   */
  observe(run: ProcessId | undefined): number | undefined;
}

interface Observed {
  readonly run: ProcessId;
  /** The lock was taken at this time or later. */
  readonly since: number;
  readonly report: ReportMark;
  /** Not no-op, and without tags. */
  readonly whole: boolean;
}

/** @param environment the Puppet environment of the notifying run, where its report has told it */
export function createWitness(puppet: PuppetSettings, environment: () => string | undefined): Witness {
  let current: Observed | undefined;
  let lastLook: number | undefined;
  return {
    observe(run) {
      const now = monotonic();
      if (run && current && sameProcess(run, current.run)) {
        lastLook = now;
        return undefined;
      }
      const ended = current;
      current = run && {
        run,
        since: Math.max(lastLook ?? 0, startTime(run)),
        report: reportMark(puppet.reportFile),
        whole: isWhole(run, puppet),
      };
      lastLook = now;
      if (!ended?.whole || reportMark(puppet.reportFile) === ended.report) return undefined;
      return isFullSuccess(readReport(puppet.reportFile), environment()) ? ended.since : undefined;
    },
  };
}

function isWhole(run: ProcessId, puppet: PuppetSettings): boolean {
  if (puppet.tagged) return false;
  try {
    const found = identifyRun(readAncestry(run.pid), process.getuid?.() ?? 0);
    const limited = ['tags', 'skip_tags'].some((name) => text(found.arguments, name));
    return (
      sameProcess(found.process, run) && !limited && (flag(found.arguments, 'noop') ?? puppet.noop) === false
    );
  } catch {
    return false;
  }
}
