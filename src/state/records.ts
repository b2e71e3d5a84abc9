import { readdirSync } from 'node:fs';
import { fault } from '../os/fault.ts';
import { readOwnFile, removeFile, replaceFile } from '../os/files.ts';
import { fingerprint } from '../os/fingerprint.ts';
import { join } from '../os/path.ts';
import { here, isHere, type Place, placeTag } from '../os/place.ts';
import { isAlive, type ProcessId, sameProcess, self } from '../os/process.ts';
import type { Command } from '../puppet/command.ts';
import type { PuppetSettings } from '../puppet/settings.ts';
import type { Awaited } from '../schedule/condition.ts';
import type { Entry } from '../schedule/entry.ts';
import { requireLock } from './lock.ts';

/** All that is pending of one command, and its waiter. Only to be changed under the lock of the state folder. */
export interface CommandRecord extends Place {
  readonly version: typeof RECORD_VERSION;
  /** The version of `again` that the waiter is. */
  readonly software: string;
  readonly command: Command;
  /** A fingerprint of the run's FACTER variables; empty where it has none. Runs that differ in them are not each other's. */
  readonly facts: string;
  readonly waiter: ProcessId;
  /** Names what this record has come from, through all its waiters: a name for each record that was begun from nothing. One without a name in common with it is not its successor. */
  readonly lineage: readonly string[];
  /** Those before it that may not have seen yet that another process is the waiter now: one that is stopped (SIGSTOP), for example. */
  readonly former?: readonly ProcessId[];
  /** The run whose surroundings the waiter has: the newest one that notified. */
  readonly run: ProcessId;
  /** Milliseconds of grace after that run: 0 where no script waits for its end. */
  readonly grace: number;
  /** The key by which records share a chain: the agent's lock file, or for `puppet apply` the command itself. */
  readonly chainKey: string;
  readonly chain: string;
  /** The files that must not be in the way of the rerun. */
  readonly puppet: Pick<PuppetSettings, 'lockFile' | 'disabledFile'>;
  /** File of the next rerun's output. */
  readonly log: string;
  readonly entries: readonly Entry[];
  /** Where that output goes instead. */
  readonly logdest?: 'journal';
  /** The waiter's findings about its place, if a line names any: later notifications of the same run repeat them, and don't look again. */
  readonly findings?: Findings;
  /** Why the rerun does not start although it is due, in the waiter's own words. */
  readonly heldUp?: string;
  /** The kind of that obstacle (wait/blocker.ts). */
  readonly heldUpBy?: string;
  /** Its waiter is of version 0.1.0, and must find it in the form that it knows. In memory alone. */
  readonly form?: 1;
}

/** The findings about the place of a waiter that the line of an Exec names. */
export interface Findings {
  /** The unit that is started instead of the command. */
  readonly restart?: NamedUnit;
  /** Why it is not started although the site wants that, and why the waiter may end before its time: half sentences. */
  readonly whyCommand?: string;
  readonly caveat?: string;
}

/** A unit that is started instead of its command (UnitRestart), as far as a line names it. */
export interface NamedUnit {
  readonly unit: string;
  readonly certain: boolean;
  readonly because: string;
  readonly wanted?: boolean;
  readonly never?: string;
}

/** The version that this program writes. It also understands 1, of version 0.1.0, whose waiters may still live. */
export const RECORD_VERSION = 2;

/** Names a command, with the FACTER variables of its run, in the state folder; for this place alone. */
export function commandId(command: Command, facts = ''): string {
  const { executable, argv, directory, user } = command;
  return fingerprint(JSON.stringify([placeTag(), executable, argv, directory, user, facts]));
}

/** Names a command whatever the FACTER variables are: all of them share one chain. */
export function commandKey(command: Command): string {
  return commandId(command);
}

/** How version 0.1.0 named it. */
export function formerCommandId({ executable, argv, directory, user }: Command): string {
  return fingerprint(JSON.stringify([executable, argv, directory, user]));
}

export function recordPath(folder: string, id: string): string {
  return join(folder, 'commands', `${id}.json`);
}

/** The record of a command, or undefined where there is none, or rubbish. It may be one of another boot or of a dead waiter. */
export function readRecord(folder: string, id: string): CommandRecord | undefined {
  const content = readOwnFile(recordPath(folder, id));
  return content === undefined ? undefined : parseRecord(content);
}

/**
 * A waiter of version 0.1.0 ends when its record is empty. It writes a record again that is gone or of a form that it does not know: a change in
 * that form would be lost.
 */
export function writeRecord(folder: string, id: string, { form, ...record }: CommandRecord): void {
  fault('record.writing');
  requireLock(folder);
  const written = form === undefined ? record : { ...record, version: form };
  replaceFile(recordPath(folder, id), `${JSON.stringify(written)}\n`);
}

export function removeRecord(folder: string, id: string): void {
  requireLock(folder);
  removeFile(recordPath(folder, id));
}

/**
 * Ends a record of which nothing is pending any more. As long as a former waiter lives, it stays, without entries: to that one, a record that is gone means
 * that the state folder was removed, and it would run everything once more.
 *
 * @param log a name for a new log: that of this record is in use
 */
export function closeRecord(folder: string, id: string, record: CommandRecord, log: string): void {
  if (record.former?.some(isAlive)) {
    try {
      writeRecord(folder, id, { ...record, entries: [], log });
      return;
    } catch {
      // No room: a rerun too many is better than one too few.
    }
  }
  removeRecord(folder, id);
}

/** Whether a record is there only so that a former waiter sees it. */
export function isClosed({ entries, former }: CommandRecord): boolean {
  return entries.length === 0 && former?.some(isAlive) === true;
}

/** All records, by command. */
export function readRecords(folder: string): Map<string, CommandRecord> {
  const records = new Map<string, CommandRecord>();
  for (const name of readdirSync(join(folder, 'commands'))) {
    const id = /^([0-9a-f]{16})\.json$/.exec(name)?.[1];
    const record = id && readRecord(folder, id);
    if (id && record) records.set(id, record);
  }
  return records;
}

/** The record once nothing holds its waiter up any more. */
export function withoutObstacle({ heldUp: _, heldUpBy: __, ...record }: CommandRecord): CommandRecord {
  return record;
}

/** Whether one of two records has come from the other. */
export function areOfOneLineage(one: CommandRecord, other: CommandRecord): boolean {
  return one.lineage.some((name) => other.lineage.includes(name));
}

/** That of what two records hold together: the former waiters of both see that it has come from what they know. */
export function jointLineage(one: CommandRecord, other: CommandRecord): readonly string[] {
  return [...new Set([...one.lineage, ...other.lineage])];
}

/** Whether a living process of this place waits for it. A record of another boot or of a dead waiter is lost, and trusted for nothing. */
export function hasLivingWaiter(record: CommandRecord): boolean {
  return isHere(record) && isAlive(record.waiter);
}

/** Whether this process is the record's waiter. */
export function isMine(record: CommandRecord | undefined): record is CommandRecord {
  return record !== undefined && isHere(record) && sameProcess(record.waiter, self());
}

export function parseRecord(content: string): CommandRecord | undefined {
  try {
    const parsed = JSON.parse(content);
    const record: CommandRecord = parsed.version === 1 ? fromVersion1(parsed) : { lineage: [], ...parsed };
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

/** A record of version 0.1.0, which knew neither places nor grace. */
function fromVersion1(record: Omit<CommandRecord, 'version' | 'lineage'>): CommandRecord {
  return {
    ...record,
    version: RECORD_VERSION,
    form: 1,
    software: '0.1.0',
    lineage: [],
    machine: here().machine,
    pidNamespace: here().pidNamespace,
    facts: '',
    grace: 0,
  };
}

/** The version of a record that only a newer `again` understands; undefined for any other. */
export function newerVersion(folder: string, id: string): number | undefined {
  try {
    const { version } = JSON.parse(readOwnFile(recordPath(folder, id)) ?? '');
    return Number.isSafeInteger(version) && version > RECORD_VERSION ? version : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: CommandRecord): boolean {
  const text = (field: unknown) => typeof field === 'string';
  return (
    value.version === RECORD_VERSION &&
    text(value.software) &&
    text(value.machine) &&
    text(value.boot) &&
    text(value.pidNamespace) &&
    text(value.facts) &&
    isDuration(value.grace) &&
    (value.logdest === undefined || value.logdest === 'journal') &&
    (value.findings === undefined || isFindings(value.findings)) &&
    (value.heldUp === undefined || text(value.heldUp)) &&
    (value.heldUpBy === undefined || text(value.heldUpBy)) &&
    text(value.chainKey) &&
    text(value.puppet.lockFile) &&
    text(value.puppet.disabledFile) &&
    text(value.chain) &&
    /^[0-9a-f]{1,32}$/.test(value.chain) &&
    isLogName(value.log) &&
    value.lineage.every(text) &&
    isProcessId(value.waiter) &&
    (value.former === undefined || value.former.every(isProcessId)) &&
    isProcessId(value.run) &&
    (value.command.mode === 'apply' || value.command.mode === 'agent') &&
    text(value.command.executable) &&
    text(value.command.directory) &&
    Number.isInteger(value.command.user) &&
    value.command.argv.every(text) &&
    value.entries.every(isEntry)
  );
}

function isFindings({ restart, whyCommand, caveat }: Findings): boolean {
  return [whyCommand, caveat].every(isOptionalText) && (restart === undefined || isNamedUnit(restart));
}

function isNamedUnit({ unit, certain, because, wanted, never }: NamedUnit): boolean {
  return (
    [unit, because].every((field) => typeof field === 'string') &&
    typeof certain === 'boolean' &&
    (wanted === undefined || typeof wanted === 'boolean') &&
    isOptionalText(never)
  );
}

function isOptionalText(field: unknown): boolean {
  return field === undefined || typeof field === 'string';
}

function isProcessId(value: ProcessId): boolean {
  return Number.isSafeInteger(value.pid) && value.pid > 0 && Number.isSafeInteger(value.start);
}

function isDuration(field: unknown): boolean {
  return typeof field === 'number' && Number.isFinite(field) && field >= 0;
}

function isLogName(value: unknown): boolean {
  return typeof value === 'string' && /^\w[\w-]*\.log$/.test(value);
}

/** The log of an entry's rerun, as it was announced. */
export function logOf(record: Pick<CommandRecord, 'log'>, entry: Entry): string {
  return entry.log ?? record.log;
}

/** The entries of a record, for another one: each keeps the log that was announced for it. */
export function movedEntries(record: Pick<CommandRecord, 'log' | 'entries'>): Entry[] {
  return record.entries.map((entry) => ({ ...entry, log: logOf(record, entry) }));
}

function isEntry(value: Entry): boolean {
  const optional = (field: unknown) => field === undefined || isDuration(field);
  return (
    (value.name === undefined || typeof value.name === 'string') &&
    (value.log === undefined || isLogName(value.log)) &&
    isDuration(value.delta) &&
    isDuration(value.wait) &&
    isDuration(value.notifiedAt) &&
    optional(value.runEndedAt) &&
    optional(value.noticedLate) &&
    optional(value.outerEndedAt) &&
    optional(value.grace) &&
    (value.outer === undefined || isProcessId(value.outer)) &&
    [value.brokenOff, value.hurried].every((flag) => flag === undefined || typeof flag === 'boolean') &&
    Number.isSafeInteger(value.link) &&
    value.link > 0 &&
    typeof value.startTimerNow === 'boolean' &&
    (value.condition === undefined || isAwaited(value.condition)) &&
    isProcessId(value.run)
  );
}

function isAwaited(value: Awaited): boolean {
  return (
    /^[0-9a-f]{1,32}$/.test(value.id) &&
    typeof value.what === 'string' &&
    [value.interval, value.timeout, value.splay].every(isDuration) &&
    (value.metAt === undefined || isDuration(value.metAt)) &&
    (value.onTimeout === 'run' || value.onTimeout === 'drop')
  );
}
