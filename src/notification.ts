import { readlinkSync, statSync } from 'node:fs';
import { announce } from './announce.ts';
import { type Bytes, fromBuffer, toBuffer, toDisplay, toText } from './bytes.ts';
import type { Event } from './journal.ts';
import { reportLost } from './lost.ts';
import { readAncestry } from './proc/process.ts';
import { reportMark } from './puppet/report.ts';
import { findPuppetSettings } from './puppet/settings.ts';
import { isServed, withNotification } from './recording.ts';
import { oneLine, Refusal } from './refusal.ts';
import type { WaiterCommand } from './relay.ts';
import { plainArguments, type WaiterRequest } from './request.ts';
import { knowsWaitForLock, rerunArguments } from './rerun/command.ts';
import { imageOf } from './rerun/executable.ts';
import { enterSurroundings } from './rerun/surroundings.ts';
import type { Command } from './rerun/types.ts';
import { identifyRun } from './run/identify.ts';
import type { Run } from './run/types.ts';
import type { Entry } from './schedule/entry.ts';
import { displayName } from './schedule/names.ts';
import { home, readSettings, type Settings } from './settings.ts';
import { openStateFolder } from './state/folder.ts';
import { withLock } from './state/lock.ts';
import { logPath } from './state/logs.ts';
import {
  type CommandRecord,
  commandId,
  isMine,
  readRecord,
  readRecords,
  writeRecord,
} from './state/records.ts';
import { sweep } from './state/sweep.ts';
import { enterScope, inScope } from './systemd/scope.ts';
import { findShelter } from './systemd/shelter.ts';
import type { Verdict } from './verdict.ts';
import type { Held } from './waiter/held.ts';

/** A line for the journal, to be written when Puppet need not wait for it any more. */
export type LoggedEvent = readonly [Event, string];

/** How a notification ended: what to say, and what this process then has to wait for, if anything. */
export type Outcome =
  | { readonly kind: 'said'; readonly verdict: Verdict; readonly events: readonly LoggedEvent[] }
  | {
      readonly kind: 'waiting';
      readonly verdict: Verdict;
      readonly events: readonly LoggedEvent[];
      readonly held: Held;
      readonly record: CommandRecord;
    }
  /** The waiter must live in a scope of its own, and only this command can start it there. */
  | { readonly kind: 'elsewhere'; readonly command: WaiterCommand };

/**
 * The life of a notification up to its verdict: find the run, decide what to repeat, and record it for the waiter that this process is about to
 * become, or for the one that already serves this run.
 *
 * @throws {Refusal} with nothing recorded
 */
export async function takeNotification(request: WaiterRequest): Promise<Outcome> {
  const user = process.getuid?.() ?? 0;
  const run = identifyRun(readAncestry(request.parent), user);
  const settings = readSettings();
  const surroundings = enterSurroundings(run);
  const puppet = findPuppetSettings(run, surroundings.environment, user);
  if (puppet.noop) {
    return {
      kind: 'said',
      verdict: { exitCode: 0, text: `Nothing scheduled: this run (pid ${run.process.pid}) is a no-op run` },
      events: [],
    };
  }
  const manifest = run.mode === 'apply' ? run.manifest : undefined;
  if (manifest !== undefined) requireFile(manifest);
  const command = commandOf(run, user, settings);
  const id = commandId(command);
  const folder = openStateFolder(home());
  const served = isServed(readRecord(folder, id), run);
  const shelter = served ? undefined : await findShelter(run, surroundings.environment);
  if (shelter?.scope && !(await enterScope(shelter.scope))) {
    const command = inScope(shelter.scope, [process.execPath, ...plainArguments(request)]);
    return { kind: 'elsewhere', command };
  }
  const held: Held = {
    home: home(),
    id,
    surroundings,
    puppet,
    image: imageOf(run.process.pid),
    manifest,
    reportMark: reportMark(puppet.reportFile),
    environment: undefined,
    restart: shelter?.restart,
  };
  const events: LoggedEvent[] = [];
  const record = await recordIn(folder, () => {
    const found = readRecords(folder);
    // The waiter that was to have it has ended meanwhile.
    if (served && !isServed(found.get(id), run)) return undefined;
    const { lost, records } = sweep(folder, found);
    events.push(...lost.map(reportLost(folder)));
    const recorded = withNotification({ request, run, command, settings, held, folder, records });
    writeRecord(folder, id, recorded);
    return recorded;
  });
  if (!record) return takeNotification(request);
  const entry = record.entries.at(-1) as Entry;
  const text = announce({
    command,
    entry,
    settings,
    waiter: record.waiter.pid,
    log: logPath(folder, record.log),
    restart: held.restart,
    caveat: shelter?.caveat,
  });
  const verdict = { exitCode: 0, text };
  const event = entry.link > settings.burst ? 'backing off' : isMine(record) ? 'scheduled' : 'coalesced';
  events.push([event, `${displayName(entry.name)}: ${text}`]);
  return isMine(record)
    ? { kind: 'waiting', verdict, events, held, record }
    : { kind: 'said', verdict, events };
}

/** Does the recording under the lock. What goes wrong with the disk is told with the place and what to do. */
async function recordIn<Result>(folder: string, work: () => Result): Promise<Result> {
  try {
    return await withLock(folder, work);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(
      `nothing can be recorded in ${folder} (${oneLine(error)}): make room there, or make it writable`,
    );
  }
}

function commandOf(run: Run, user: number, settings: Settings): Command {
  if (toText(run.executable) === undefined) {
    throw new Refusal(`the path of Puppet's interpreter, ${toDisplay(run.executable)}, is not UTF-8`);
  }
  return {
    mode: run.mode === 'apply' ? 'apply' : 'agent',
    executable: run.executable,
    argv: rerunArguments(run, knowsWaitForLock(settings.puppetVersion)),
    directory: fromBuffer(readlinkSync(`/proc/${run.process.pid}/cwd`, { encoding: 'buffer' })),
    user,
  };
}

/** A pipe (bash's `<(…)` under another name) gives its content once. */
function requireFile(manifest: Bytes): void {
  const stat = statSync(toBuffer(manifest), { throwIfNoEntry: false });
  if (!stat || stat.isFile() || stat.isDirectory()) return;
  throw new Refusal(
    `the manifest ${toDisplay(manifest)} is not a file and cannot be read again: put it into a file`,
  );
}
