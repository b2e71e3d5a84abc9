import { readlinkSync, statSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { bootId } from '../os/clock.ts';
import { readOwnFile } from '../os/files.ts';
import { type LoggedEvent, log } from '../os/journal.ts';
import { hasImage, isAlive, type ProcessId } from '../os/process.ts';
import { readReport } from '../puppet/report.ts';
import { displayName } from '../schedule/names.ts';
import { newestRerun, type PastRerun, readStarting, writePastRerun } from './history.ts';
import { withLock } from './lock.ts';
import { logPath } from './logs.ts';
import { describeOutputOfUnit, readFromJournal } from './output.ts';

/** A report belongs to a rerun when its run began within this time after it; Puppet takes a second or two to start. */
const START_UP_MS = 60_000;

/**
 * The report of a run that began after the last line of our log is written within this time after that line, if it is this rerun's: its lines all came before
 * Puppet's own beginning. A run that began before that line wrote it, or went on beside it; its report may be late, since Puppet sends it to the server first.
 */
const REPORT_MS = 10_000;

/** Whether this rerun is going: the process that it became, or the start of its unit. */
export function isRunning(rerun: PastRerun): boolean {
  const { unit, invocation, failure, outcome, boot, pid, start } = rerun;
  if (failure !== null || outcome !== undefined || boot !== bootId()) return false;
  // The waiter notes the name of the start as soon as systemd gives it.
  return unit === null || invocation === undefined ? isPuppet({ pid, start }) : isStarted(unit, rerun);
}

/**
 * Whether a rerun is still the process that it became. While that ends, Puppet has already written its report, and the next rerun may start: it counts as over, so that its result
 * is noted before that.
 */
function isPuppet(id: ProcessId): boolean {
  return isAlive(id) && hasImage(id.pid);
}

/** Whether a unit has not ended since that start: systemd shows the name of the start in a link for so long (243 and later, for services). */
function isStarted(unit: string, { invocation, manager }: PastRerun): boolean {
  const folder = manager === undefined ? '/run' : `/run/user/${manager}`;
  try {
    return readlinkSync(`${folder}/systemd/units/invocation:${unit}`) === invocation;
  } catch {
    return false;
  }
}

/**
 * Notes what became of reruns that have ended, and tells the journal of one that failed: once, as soon as a process looks. After an execve no process is left
 * that would see an exit code, and Puppet keeps one report only, so an outcome that is not seen before the next run of Puppet has ended stays unknown.
 *
 * An outcome that can't be noted, because the disk is full or the lock is taken, is left to the next process that looks. Not to be called under the lock of the folder.
 *
 * @param askUnit says how a start of a unit has ended
 */
export async function settleOutcomes(folder: string, askUnit: AskUnit): Promise<void> {
  try {
    const newest = newestRerun(folder);
    const unit = newest && isOpen(newest) && newest.unit !== null ? await askUnit(newest) : undefined;
    // Nearly always there is nothing to note, and then no lock is needed.
    if (newlyKnown(folder, unit).length === 0) return;
    const noted = await withLock(folder, () =>
      newlyKnown(folder, unit).filter((rerun) => writePastRerun(folder, rerun)),
    );
    for (const rerun of noted) {
      const event = eventOf(rerun);
      if (event) log(...event);
    }
  } catch {
    // The next one tries again.
  }
}

/** How a start of a unit has ended; undefined where systemd does not know of it any more. */
export type AskUnit = (rerun: PastRerun) => Promise<UnitOutcome | undefined>;
export type UnitOutcome =
  | { readonly kind: 'going' }
  | {
      readonly kind: 'ended';
      readonly result: string;
      readonly exitCode: number;
      readonly seconds: number;
    };

/** Whether nothing is noted of its end. */
export function isOpen({ outcome, failure }: PastRerun): boolean {
  return outcome === undefined && failure === null;
}

/** Reruns whose result is known by now and not noted yet. */
function newlyKnown(folder: string, unit: UnitOutcome | undefined): PastRerun[] {
  const killed = readStarting(folder)
    .filter((rerun) => !isRunning(rerun))
    .map((rerun) => ({ ...rerun, failure: KILLED }));
  const newest = newestRerun(folder);
  // A unit that stays active after its end shows the name of its start for so long: there the answer counts.
  const isOver = newest && !newest.outcome && (unit ? unit.kind === 'ended' : !isRunning(newest));
  const settled = isOver ? withOutcome(newest, folder, unit) : undefined;
  return settled ? [...killed, settled] : killed;
}

const KILLED = 'lost: it was killed on its way to Puppet';

/** With what Puppet's report says of it, or with why it was none; undefined where neither is known. */
function withOutcome(rerun: PastRerun, folder: string, unit: UnitOutcome | undefined): PastRerun | undefined {
  if (unit?.kind === 'going') return undefined;
  const reported = reportedOutcome(rerun, folder);
  const outcome = unit ? unitOutcome(unit, reported) : reported;
  if (outcome) return { ...rerun, outcome };
  // With a --logdest of its own, Puppet says nothing in our log.
  const isLogged = rerun.unit === null && !/ (--logdest|-l)\b/.test(rerun.command);
  const failure = isLogged ? failureByLog(rerun, folder) : undefined;
  return failure === undefined ? undefined : { ...rerun, failure };
}

/** systemd says whether it went well, and Puppet's report what well means. */
function unitOutcome(
  { result, exitCode, seconds }: UnitOutcome & { kind: 'ended' },
  reported: PastRerun['outcome'],
): PastRerun['outcome'] {
  const status = result === 'success' ? (reported?.status ?? 'succeeded') : 'failed';
  return { status, seconds, result, exitCode };
}

/** The line for the journal about a rerun whose end is known; undefined for one that ended well. */
export function eventOf(rerun: PastRerun): LoggedEvent | undefined {
  const { id, names, command, link, startedAt, failure, outcome, unit } = rerun;
  const subject = names.map(displayName).join(', ');
  // Only the history names what was lost on its way: another process may have reported it.
  if (failure !== null) return failure === KILLED ? undefined : ['failed', `${subject}: ${failure}`];
  if (outcome?.status !== 'failed') return undefined;
  const when = `rerun ${link} in a row, ${startedAt}, ${outcome.seconds} s`;
  const where =
    unit === null ? `\`again log ${id}\`` : `\`journalctl -u ${unit}\`; ${describeOutputOfUnit(unit)}`;
  return ['rerun failed', `${subject}: \`${command}\` has failed (${when}): see ${where}`];
}

/** The outcome by Puppet's last report, where that is this rerun's. */
function reportedOutcome(rerun: PastRerun, folder: string): PastRerun['outcome'] {
  const began = Date.parse(rerun.startedAt);
  const written = statSync(rerun.reportFile, { throwIfNoEntry: false })?.mtimeMs;
  if (written === undefined || written < began) return undefined;
  const report = readReport(rerun.reportFile);
  if (report?.time === undefined || report.status === undefined) return undefined;
  if (report.time < began - 1000 || report.time > began + START_UP_MS) return undefined;
  // Puppet writes its last line to the log, where it writes there at all, and then its report.
  const lastLine = statSync(logPath(folder, `${rerun.id}.log`), { throwIfNoEntry: false })?.mtimeMs;
  const isLogged = lastLine !== undefined && lastLine > began + 1000;
  if (isLogged && report.time > lastLine && written > lastLine + REPORT_MS) return undefined;
  return { status: report.status, seconds: Math.round((written - began) / 100) / 10 };
}

/** How much of a log is read: the part that counts is at its beginning. */
const BEGINNING = 16 * 1024;

function failureByLog(rerun: PastRerun, folder: string): string | undefined {
  const log = readOwnFile(logPath(folder, `${rerun.id}.log`))?.slice(0, BEGINNING);
  if (log === undefined) return undefined; // it has made room for newer ones
  return failureIn(rerun.journal ? `${log}${readFromJournal(rerun) ?? ''}` : log);
}

/**
 * Why a rerun without a report was none, by what its log begins with: the command could not be started, Puppet does not take it (an upgrade may have taken an option
 * away), or Puppet skipped the run. Undefined where it says something else, or nothing: a Puppet that was told to log nothing has still run.
 */
export function failureIn(said: string): string | undefined {
  const [, ...lines] = said.split('\n').filter((line) => line !== '');
  const execve = /process\.execve failed with error code (\w+)/.exec(said);
  if (execve) return `the command could not be started (${execve[1]})`;
  const own = /^(?:env|again): (.*)/m.exec(lines.join('\n'));
  if (own) return `the command could not be started (${own[1]})`;
  const cat = /^Failed to (?:create stream fd|execute process|rearrange stdout\/stderr): (.*)/.exec(
    lines[0] ?? '',
  );
  if (cat) return `the command could not be started (systemd-cat: ${cat[1]})`;
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
