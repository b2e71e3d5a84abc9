import { readdirSync } from 'node:fs';
import { bootId } from '../clock.ts';
import { join } from '../path.ts';
import { isAlive, type ProcessId, sameProcess, self } from '../proc/process.ts';
import type { PuppetSettings } from '../puppet/settings.ts';
import type { Command } from '../rerun/types.ts';
import type { Entry } from '../schedule/entry.ts';
import { readOwnFile, removeFile, replaceFile } from './files.ts';
import { fingerprint } from './fingerprint.ts';

/** All that is pending of one command, and who waits for it. Only to be changed under the lock of the state folder. */
export interface CommandRecord {
  readonly version: 1;
  /** Another boot's monotonic times and pids mean nothing. */
  readonly boot: string;
  readonly command: Command;
  readonly waiter: ProcessId;
  /** The run whose surroundings the waiter has: the newest one that notified. */
  readonly run: ProcessId;
  /** What shares a chain: the agent's lock file, or for `puppet apply` the command itself. */
  readonly chainKey: string;
  readonly chain: string;
  /** What must not be in the way of the rerun. */
  readonly puppet: Pick<PuppetSettings, 'lockFile' | 'disabledFile'>;
  /** File of the next rerun's output. */
  readonly log: string;
  readonly entries: readonly Entry[];
}

/** Names a command in the state folder. */
export function commandId(command: Command): string {
  const { executable, argv, directory, user } = command;
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

export function writeRecord(folder: string, id: string, record: CommandRecord): void {
  replaceFile(recordPath(folder, id), `${JSON.stringify(record)}\n`);
}

export function removeRecord(folder: string, id: string): void {
  removeFile(recordPath(folder, id));
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

/** Whether somebody waits for it. A record of another boot or of a dead waiter is lost, and trusted for nothing. */
export function isHeld(record: CommandRecord): boolean {
  return record.boot === bootId() && isAlive(record.waiter);
}

/** Whether this process is the record's waiter. */
export function isMine(record: CommandRecord | undefined): record is CommandRecord {
  return record !== undefined && sameProcess(record.waiter, self());
}

export function parseRecord(content: string): CommandRecord | undefined {
  try {
    const record = JSON.parse(content) as CommandRecord;
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: CommandRecord): boolean {
  const text = (field: unknown) => typeof field === 'string';
  return (
    value.version === 1 &&
    text(value.boot) &&
    text(value.chainKey) &&
    text(value.puppet.lockFile) &&
    text(value.puppet.disabledFile) &&
    text(value.chain) &&
    /^[0-9a-f]{1,32}$/.test(value.chain) &&
    text(value.log) &&
    /^\w[\w-]*\.log$/.test(value.log) &&
    isProcessId(value.waiter) &&
    isProcessId(value.run) &&
    (value.command.mode === 'apply' || value.command.mode === 'agent') &&
    text(value.command.executable) &&
    text(value.command.directory) &&
    Number.isInteger(value.command.user) &&
    value.command.argv.every(text) &&
    value.entries.every(isEntry)
  );
}

function isProcessId(value: ProcessId): boolean {
  return Number.isSafeInteger(value.pid) && value.pid > 0 && Number.isSafeInteger(value.start);
}

function isEntry(value: Entry): boolean {
  const duration = (field: unknown) => typeof field === 'number' && Number.isFinite(field) && field >= 0;
  return (
    (value.name === undefined || typeof value.name === 'string') &&
    duration(value.delta) &&
    duration(value.wait) &&
    duration(value.notifiedAt) &&
    (value.runEndedAt === undefined || duration(value.runEndedAt)) &&
    Number.isSafeInteger(value.link) &&
    value.link > 0 &&
    typeof value.startTimerNow === 'boolean' &&
    isProcessId(value.run)
  );
}
