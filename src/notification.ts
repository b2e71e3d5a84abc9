import { readlinkSync, statSync } from 'node:fs';
import { announce } from './announce.ts';
import { type Bytes, fromBuffer, toBuffer, toDisplay } from './bytes.ts';
import { bootId, monotonic } from './clock.ts';
import type { Event } from './journal.ts';
import { reportLost } from './lost.ts';
import { type ProcessId, readAncestry, sameProcess, self } from './proc/process.ts';
import { startTime } from './proc/start-time.ts';
import { reportMark } from './puppet/report.ts';
import { findPuppetSettings } from './puppet/settings.ts';
import { randomHex } from './random.ts';
import { Refusal } from './refusal.ts';
import type { WaiterCommand } from './relay.ts';
import { canonicalArguments, type Request, type WaiterRequest } from './request.ts';
import { knowsWaitForLock, rerunArguments } from './rerun/command.ts';
import { type ChainLink, chainLinkOf, processName } from './rerun/environment.ts';
import { imageOf } from './rerun/executable.ts';
import { enterSurroundings } from './rerun/surroundings.ts';
import type { Command } from './rerun/types.ts';
import { identifyRun } from './run/identify.ts';
import type { Run } from './run/types.ts';
import { isOver, linkInPlace, nextLink, waitOf } from './schedule/chain.ts';
import { type Entry, withEntry } from './schedule/entry.ts';
import { displayName } from './schedule/names.ts';
import { home, readSettings, type Settings } from './settings.ts';
import { readUnitLink } from './state/chains.ts';
import { openStateFolder } from './state/folder.ts';
import { withLock } from './state/lock.ts';
import { logPath, newLogName } from './state/logs.ts';
import {
  type CommandRecord,
  commandId,
  isHeld,
  isMine,
  readRecord,
  readRecords,
  writeRecord,
} from './state/records.ts';
import { sweep } from './state/sweep.ts';
import { inScope } from './systemd/scope.ts';
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
  /** The waiter must live in a scope of its own: this command starts it there. */
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
  const shelter = served ? undefined : await findShelter(run);
  if (shelter?.scope && !request.sheltered) {
    const again = [
      process.execPath,
      ...canonicalArguments(request),
      '--sheltered',
      '--parent',
      String(request.parent),
    ];
    return {
      kind: 'elsewhere',
      command: inScope(shelter.scope, again),
    };
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
  const recorded = await withLock(folder, () => {
    const lost = sweep(folder);
    // The waiter that was to have it has ended meanwhile.
    if (served && !isServed(readRecord(folder, id), run)) return { lost, record: undefined };
    const record = withNotification({ request, run, command, settings, held, folder });
    writeRecord(folder, id, record);
    return { lost, record };
  });
  const events = recorded.lost.map(reportLost(folder));
  const { record } = recorded;
  if (!record) return takeNotification(request);
  const entry = record.entries.at(-1) as Entry;
  const text = announce({
    command,
    entry,
    settings,
    waiter: record.waiter.pid,
    log: logPath(folder, record.log),
    restart: held.restart,
  });
  const verdict = { exitCode: 0, text };
  const event = entry.link > settings.burst ? 'backing off' : isMine(record) ? 'scheduled' : 'coalesced';
  events.push([event, `${displayName(entry.name)}: ${text}`]);
  return isMine(record)
    ? { kind: 'waiting', verdict, events, held, record }
    : { kind: 'said', verdict, events };
}

/** Whether a living waiter already has the surroundings of this very run. */
function isServed(record: CommandRecord | undefined, run: Run): record is CommandRecord {
  return record !== undefined && sameProcess(record.run, run.process) && isHeld(record);
}

function commandOf(run: Run, user: number, settings: Settings): Command {
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

interface Notification {
  readonly request: Request;
  readonly run: Run;
  readonly command: Command;
  readonly settings: Settings;
  readonly held: Held;
  readonly folder: string;
}

/**
 * The command's record with this notification in it. A waiter that serves this very run goes on with one entry more; for another run
 * this process takes the record over, since it has come from that run and so has its surroundings.
 */
function withNotification({ request, run, command, settings, held, folder }: Notification): CommandRecord {
  const records = readRecords(folder);
  const mine = records.get(held.id);
  const chainKey = run.mode === 'apply' ? held.id : held.puppet.lockFile;
  const boot = bootId();
  const siblings = [...records.values()].filter((record) => record.chainKey === chainKey);
  const inherited = linkOfRun(run, held, folder, boot);
  const pending = siblings.flatMap((record) => record.entries);
  const link = nextLink(
    Math.max(inherited?.link ?? 0, linkInPlace(pending, startTime(run.process))),
    pending.map((entry) => entry.link),
  );
  if (isOver(link, settings)) {
    throw new Refusal(
      `the chain of reruns ends here: this would be rerun ${link}, and limit is ${settings.limit}`,
    );
  }
  const entry = entryOf(request, run.process, link, settings);
  const shared = isServed(mine, run) ? mine : undefined;
  return {
    version: 1,
    boot,
    command,
    waiter: shared?.waiter ?? self(),
    run: run.process,
    chainKey,
    chain: inherited?.chain ?? siblings[0]?.chain ?? randomHex(8),
    puppet: { lockFile: held.puppet.lockFile, disabledFile: held.puppet.disabledFile },
    log: mine?.log ?? newLogName(new Date()),
    entries: withEntry(mine?.entries ?? [], entry),
  };
}

/** The link of a chain that this run is, by its environment, or where systemd started it for us by what was noted then. */
function linkOfRun(run: Run, held: Held, folder: string, boot: string): ChainLink | undefined {
  const { environment } = held.surroundings;
  const invocation = environment
    .find((entry) => entry.startsWith('INVOCATION_ID='))
    ?.slice('INVOCATION_ID='.length);
  return chainLinkOf(environment, processName(run.source, boot)) ?? readUnitLink(folder, held.id, invocation);
}

function entryOf(request: Request, run: ProcessId, link: number, settings: Settings): Entry {
  const splay = Math.round(Math.random() * settings.splay * 1000);
  return {
    ...(request.name === undefined ? {} : { name: request.name }),
    delta: request.delta,
    startTimerNow: request.startTimerNow,
    wait: waitOf(link, request.delta, settings) * 1000 + splay,
    link,
    notifiedAt: monotonic(),
    run,
  };
}
