import { statSync } from 'node:fs';
import { bootId } from '../clock.ts';
import { isAlive } from '../proc/process.ts';
import { readReport } from '../puppet/report.ts';
import { newestRerun, type PastRerun, writePastRerun } from './history.ts';
import { logPath } from './logs.ts';

/** A report belongs to a rerun when its run began within this time after it; Puppet takes a second or two to start. */
const START_UP_MS = 60_000;

/** A report is written within this time after the run's last line of output. */
const REPORT_MS = 10_000;

/** Whether this rerun is still the process that it became. */
export function isRunning(rerun: PastRerun): boolean {
  return rerun.unit === null && rerun.failure === null && rerun.boot === bootId() && isAlive(rerun);
}

/**
 * Notes what Puppet's last report says of the newest rerun that has ended. After an execve nobody is left to see an exit code, and Puppet
 * keeps one report only, so what is not seen in time stays unknown.
 */
export function settleOutcomes(folder: string): void {
  const newest = newestRerun(folder);
  if (!newest || newest.outcome || isRunning(newest)) return;
  const began = Date.parse(newest.startedAt);
  const written = statSync(newest.reportFile, { throwIfNoEntry: false })?.mtimeMs;
  if (written === undefined || written < began) return;
  const report = readReport(newest.reportFile);
  if (report?.time === undefined || report.status === undefined) return;
  if (report.time < began - 1000 || report.time > began + START_UP_MS) return;
  // Puppet writes its last line to the log, where it writes there at all, and then its report.
  const log = statSync(logPath(folder, `${newest.id}.log`), { throwIfNoEntry: false })?.mtimeMs;
  if (log !== undefined && log > began + 1000 && written > log + REPORT_MS) return;
  const seconds = Math.round((written - began) / 100) / 10;
  writePastRerun(folder, { ...newest, outcome: { status: report.status, seconds } });
}
