import { statSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { bootId } from '../os/clock.ts';
import { log } from '../os/journal.ts';
import { isAlive } from '../os/process.ts';
import { readBytes } from '../os/read.ts';
import { readReport } from '../puppet/report.ts';
import { displayName } from '../schedule/names.ts';
import { newestRerun, type PastRerun, readStarting, writePastRerun } from './history.ts';
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
 * Notes what became of the newest rerun that has ended. After an execve nobody is left to see an exit code, and Puppet keeps one report only, so what is not
 * seen in time stays unknown.
 */
export function settleOutcomes(folder: string): void {
  for (const rerun of readStarting(folder))
    if (!isRunning(rerun))
      writePastRerun(folder, { ...rerun, failure: 'lost: it was killed on its way to Puppet' });
  const newest = newestRerun(folder);
  if (!newest || newest.outcome || isRunning(newest)) return;
  const outcome = reportedOutcome(newest, folder);
  if (outcome) {
    writePastRerun(folder, { ...newest, outcome });
    return;
  }
  // With a --logdest of its own, Puppet says nothing in our log.
  const isLogged = newest.unit === null && !/ (--logdest|-l)\b/.test(newest.command);
  const failure = isLogged ? failureByLog(logPath(folder, `${newest.id}.log`)) : undefined;
  if (failure === undefined) return;
  writePastRerun(folder, { ...newest, failure });
  log('failed', `${newest.names.map(displayName).join(', ')}: ${failure}`);
}

/** What Puppet's last report says, where it is this rerun's. */
function reportedOutcome(rerun: PastRerun, folder: string): PastRerun['outcome'] {
  const began = Date.parse(rerun.startedAt);
  const written = statSync(rerun.reportFile, { throwIfNoEntry: false })?.mtimeMs;
  if (written === undefined || written < began) return undefined;
  const report = readReport(rerun.reportFile);
  if (report?.time === undefined || report.status === undefined) return undefined;
  if (report.time < began - 1000 || report.time > began + START_UP_MS) return undefined;
  // Puppet writes its last line to the log, where it writes there at all, and then its report.
  const lastLine = statSync(logPath(folder, `${rerun.id}.log`), { throwIfNoEntry: false })?.mtimeMs;
  if (lastLine !== undefined && lastLine > began + 1000 && written > lastLine + REPORT_MS) return undefined;
  return { status: report.status, seconds: Math.round((written - began) / 100) / 10 };
}

/** How much of a log is read: what tells is at its beginning. */
const BEGINNING = 16 * 1024;

function failureByLog(path: string): string | undefined {
  try {
    return failureIn(readBytes(path).slice(0, BEGINNING));
  } catch {
    return undefined; // it has made room for newer ones
  }
}

/**
 * Why a rerun without a report was none, by what its log begins with: the command could not be started, Puppet does not take it (an upgrade may have taken an option
 * away), or Puppet skipped the run. Undefined where it says something else, or nothing: a Puppet that is told to say nothing is a Puppet.
 */
export function failureIn(said: string): string | undefined {
  const [, ...lines] = said.split('\n').filter((line) => line !== '');
  const execve = /process\.execve failed with error code (\w+)/.exec(said);
  if (execve) return `the command could not be started (${execve[1]})`;
  const own = /^(?:env|again): (.*)/m.exec(lines.join('\n'));
  if (own) return `the command could not be started (${own[1]})`;
  const refused = lines.find((line) => line.includes('Could not parse application options: '));
  if (refused !== undefined) return `refused by Puppet: ${plainLine(refused)}`;
  const skipped = lines.find((line) => /Skipping run of Puppet|already in progress; skipping/.test(line));
  return skipped === undefined ? undefined : `skipped by Puppet: ${plainLine(skipped)}`;
}

/** A line of Puppet's without its colours. */
function plainLine(line: string): string {
  return stripVTControlCharacters(line)
    .replace(/^(Notice|Error|Warning): /, '')
    .trim();
}
