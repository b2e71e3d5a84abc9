import { statSync, writeSync } from 'node:fs';
import { type Bytes, toBuffer, toDisplay } from '../bytes.ts';
import { monotonic } from '../clock.ts';
import { log } from '../journal.ts';
import { self } from '../proc/process.ts';
import { oneLine, Refusal } from '../refusal.ts';
import { become } from '../rerun/become.ts';
import { describeCommand } from '../rerun/describe.ts';
import { type ChainLink, processName, rerunEnvironment } from '../rerun/environment.ts';
import { currentExecutable } from '../rerun/executable.ts';
import type { Entry } from '../schedule/entry.ts';
import { displayNames } from '../schedule/names.ts';
import { partition } from '../schedule/plan.ts';
import { writeUnitLink } from '../state/chains.ts';
import { noteCurrentRerun } from '../state/current.ts';
import { openStateFolder } from '../state/folder.ts';
import { type PastRerun, writePastRerun } from '../state/history.ts';
import { withLock } from '../state/lock.ts';
import { logPath, newLogName, pruneLogs, startLog } from '../state/logs.ts';
import { type CommandRecord, isMine, readRecord, removeRecord, writeRecord } from '../state/records.ts';
import { removeStrays } from '../state/sweep.ts';
import { startAgain, unitState } from '../systemd/restart.ts';
import type { UnitRestart } from '../systemd/shelter.ts';
import type { Held } from './held.ts';
import { merged } from './record.ts';
import { startSuccessor } from './successor.ts';

/**
 * Takes what is due out of the record, leaves the rest to a successor, and becomes Puppet. Returns false where nothing is due any more, so that
 * the waiter looks again, and true where it is over: it could not become Puppet, and the log says why.
 */
export async function startRerun(
  held: Held,
  limitRestored: boolean,
  cancelled: () => boolean,
): Promise<boolean> {
  const folder = openStateFolder(held.home);
  const taken = await withLock(folder, () => takeDue(held, folder));
  if (!taken) return false;
  const { command, boot } = taken;
  const link = { chain: taken.chain, link: Math.max(...taken.entries.map((entry) => entry.link)) };
  const restart = held.restart && (await unitState(held.restart)).kind !== 'going' ? held.restart : undefined;
  const what = restart ? `starts ${restart.unit.unit}` : `runs ${describeCommand(command)}`;
  const output = startLog(folder, taken.log, `${new Date().toISOString()} ${what}`);
  const past = pastRerun(taken, link, held, restart);
  try {
    if (held.manifest !== undefined && !restart) requireManifest(held.manifest);
    const executable = currentExecutable(
      command.executable,
      command.argv[0] ?? command.executable,
      held.image,
    );
    if (cancelled()) throw new Refusal('cancelled');
    writePastRerun(folder, past);
    if (restart) {
      const result = await startAgain(restart);
      if (result.kind === 'refused') throw new Refusal(result.because);
      if (result.kind === 'held') {
        writeSync(output, `again: not yet: ${result.because}\n`);
        writePastRerun(folder, { ...past, failure: `not yet: ${result.because}` });
        return !(await putBack(held, folder, taken));
      }
      const { invocation } = result;
      if (invocation) await withLock(folder, () => writeUnitLink(folder, held.id, invocation, link));
    }
    log(
      'started',
      `${displayNames(taken.entries)}: ${what}, rerun ${link.link} in a row, output to ${logPath(folder, taken.log)}`,
    );
    if (restart) return true;
    return become({
      executable,
      argv: command.argv,
      environment: rerunEnvironment(held.surroundings.environment, link, processName(self(), boot)),
      surroundings: held.surroundings,
      limitRestored,
      log: logPath(folder, taken.log),
    });
  } catch (error) {
    const failure = oneLine(error);
    writeSync(output, `again: not run: ${failure}\n`);
    writePastRerun(folder, { ...past, failure });
    log(cancelled() ? 'cancelled' : 'failed', `${displayNames(taken.entries)}: ${failure}`);
    return true;
  }
}

function pastRerun(
  record: CommandRecord,
  { chain, link }: ChainLink,
  held: Held,
  restart: UnitRestart | undefined,
): PastRerun {
  return {
    version: 1,
    id: record.log.replace(/\.log$/, ''),
    boot: record.boot,
    startedAt: new Date().toISOString(),
    ...self(),
    command: describeCommand(record.command),
    names: record.entries.map((entry) => entry.name ?? null),
    chain,
    link,
    unit: restart?.unit.unit ?? null,
    failure: null,
    reportFile: held.puppet.reportFile,
  };
}

/** What the rerun satisfies; from here on it is no longer pending. A notification that comes later finds no waiter and starts its own. */
async function takeDue(held: Held, folder: string): Promise<CommandRecord | undefined> {
  const record = readRecord(folder, held.id);
  if (!isMine(record)) return undefined;
  const { due, later } = partition(record.entries, monotonic());
  if (due.length === 0) return undefined;
  if (later.length === 0) {
    removeRecord(folder, held.id);
  } else {
    await startSuccessor(held, later[0] as Entry, (waiter) =>
      writeRecord(folder, held.id, { ...record, waiter, entries: later, log: newLogName(new Date()) }),
    );
  }
  noteCurrentRerun(folder, held.id);
  pruneLogs(folder);
  removeStrays(folder);
  return { ...record, entries: due };
}

/** Makes pending again what could not be started yet. Returns whether this process still waits for it, and not one that came meanwhile. */
function putBack(held: Held, folder: string, taken: CommandRecord): Promise<boolean> {
  return withLock(folder, () => {
    const other = readRecord(folder, held.id);
    writeRecord(
      folder,
      held.id,
      other ? { ...other, entries: merged(taken.entries, other.entries) } : { ...taken, waiter: self() },
    );
    return other === undefined;
  });
}

function requireManifest(manifest: Bytes): void {
  if (!statSync(toBuffer(manifest), { throwIfNoEntry: false }))
    throw new Refusal(`the manifest ${toDisplay(manifest)} is gone`);
}
