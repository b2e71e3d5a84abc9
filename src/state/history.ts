import { readdirSync, renameSync } from 'node:fs';
import { namesByAge, readOwnFile, removeFile, replaceFile, touchAfter } from '../os/files.ts';
import { join } from '../os/path.ts';
import { here, isHereOrBefore, type Place } from '../os/place.ts';

/** How many reruns are remembered. */
const KEPT = 200;

/** A rerun that was started, or that was to be. */
export interface PastRerun {
  readonly version: 1;
  /** Also the name of its log, without `.log`. */
  readonly id: string;
  readonly boot: string;
  /** Where its process is, in a folder that is shared; undefined in what 0.2.0 and older versions have written. */
  readonly machine?: Place['machine'];
  readonly pidNamespace?: Place['pidNamespace'];
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly start: number;
  /** As a person would type it. */
  readonly command: string;
  /** The names that it satisfied; null for `Exec['again']`. */
  readonly names: readonly (string | null)[];
  readonly chain: string;
  readonly link: number;
  /** The unit that was started instead. */
  readonly unit: string | null;
  /** Why it could not be started. */
  readonly failure: string | null;
  /** Puppet's own report. */
  readonly reportFile: string;
  /** Its output is in the journal; the log has no more than how it was started. */
  readonly journal?: boolean;
  /** The name that systemd gave to the start of the unit, and the user whose manager has it; undefined for the system's. */
  readonly invocation?: string;
  readonly manager?: number;
  /** The outcome by Puppet's report, once that was seen; that of a unit by systemd. */
  readonly outcome?: {
    /** `changed`, `unchanged`, `failed`; `succeeded` of a unit whose Puppet has left no report. */
    readonly status: string;
    readonly seconds: number;
    /** Of a unit: `Result=` (systemd.service(5), `$SERVICE_RESULT`), and the exit code or signal of its main process. */
    readonly result?: string;
    readonly exitCode?: number;
  };
}

function pastPath(folder: string, { id }: Pick<PastRerun, 'id'>): string {
  return join(folder, 'history', `${id}.json`);
}

/** Of a rerun that is on its way to Puppet. */
function startingPath(folder: string, { id }: Pick<PastRerun, 'id'>): string {
  return join(folder, 'history', `${id}.starting`);
}

export function forgetPastRerun(folder: string, rerun: Pick<PastRerun, 'id'>): void {
  removeFile(pastPath(folder, rerun));
  removeFile(startingPath(folder, rerun));
}

/**
 * Notes a rerun that is about to start, under a name of its own: where its process ends before {@link noteStarted}, it was none.
 *
 * @throws {Error} where there is no room for that
 */
export function noteStarting(folder: string, rerun: PastRerun): void {
  replaceFile(startingPath(folder, rerun), `${JSON.stringify(rerun)}\n`);
}

/** Remembers it as one that was started. Needs no room. */
export function noteStarted(folder: string, rerun: Pick<PastRerun, 'id'>): void {
  try {
    renameSync(startingPath(folder, rerun), pastPath(folder, rerun));
  } catch {
    return; // the state folder was removed meanwhile
  }
  keepAsNewest(folder, rerun);
}

/** The reruns of this place whose process has not come as far as Puppet. */
export function readStarting(folder: string): PastRerun[] {
  return fileNames(folder, '.starting')
    .flatMap((name) => readPastRerun(folder, name) ?? [])
    .filter(canBeTold);
}

/** Whether this process can tell what has become of a rerun: that of another host or container, which shares the folder, is for those to tell. */
function canBeTold({ machine, boot, pidNamespace }: PastRerun): boolean {
  return (
    machine === undefined || pidNamespace === undefined || isHereOrBefore({ machine, boot, pidNamespace })
  );
}

/** Remembers a rerun, and returns whether it does. A disk without room for that is no reason not to run. */
export function writePastRerun(folder: string, rerun: PastRerun): boolean {
  try {
    replaceFile(pastPath(folder, rerun), `${JSON.stringify(rerun)}\n`);
  } catch {
    return false;
  }
  removeFile(startingPath(folder, rerun));
  keepAsNewest(folder, rerun);
  return true;
}

/** A rerun that was just noted is the newest one, also where the wall clock was set back since another one; the oldest ones are forgotten. */
function keepAsNewest(folder: string, rerun: Pick<PastRerun, 'id'>): void {
  const path = pastPath(folder, rerun);
  const others = fileNamesByAge(folder)
    .map((name) => join(folder, 'history', name))
    .filter((other) => other !== path);
  const before = others.at(-1);
  if (before !== undefined) touchAfter(path, before);
  for (const other of others.slice(0, 1 - KEPT)) removeFile(other);
}

/** All that is remembered of this machine, oldest first. Unreadable files are left out. */
export function readHistory(folder: string): PastRerun[] {
  return fileNames(folder)
    .flatMap((name) => readPastRerun(folder, name) ?? [])
    .filter((rerun) => rerun.machine === here().machine || canBeTold(rerun))
    .sort((one, other) => Date.parse(one.startedAt) - Date.parse(other.startedAt));
}

/** The newest rerun of this place that was started. */
export function newestRerun(folder: string): PastRerun | undefined {
  for (const name of fileNamesByAge(folder).reverse()) {
    const rerun = readPastRerun(folder, name);
    if (rerun?.failure === null && canBeTold(rerun)) return rerun;
  }
  return undefined;
}

function readPastRerun(folder: string, name: string): PastRerun | undefined {
  return parsePastRerun(readOwnFile(join(folder, 'history', name)) ?? '');
}

export function parsePastRerun(content: string): PastRerun | undefined {
  try {
    const rerun = JSON.parse(content) as PastRerun;
    const valid =
      rerun.version === 1 &&
      [rerun.id, rerun.boot, rerun.startedAt, rerun.command, rerun.chain, rerun.reportFile].every(
        (value) => typeof value === 'string',
      ) &&
      [rerun.machine, rerun.pidNamespace].every((value) => typeof (value ?? '') === 'string') &&
      [rerun.pid, rerun.start, rerun.link].every(Number.isSafeInteger) &&
      Array.isArray(rerun.names) &&
      rerun.names.every((name) => name === null || typeof name === 'string') &&
      typeof (rerun.failure ?? '') === 'string' &&
      (rerun.outcome === undefined || typeof rerun.outcome.status === 'string') &&
      !Number.isNaN(Date.parse(rerun.startedAt));
    return valid ? rerun : undefined;
  } catch {
    return undefined;
  }
}

function fileNames(folder: string, ending = '.json'): string[] {
  return readdirSync(join(folder, 'history'))
    .filter((name) => name.endsWith(ending))
    .sort();
}

/** Those of reruns that were started or given up. A name has the time at which the rerun was asked for, or its waiter began, and it may have started days later. */
function fileNamesByAge(folder: string): string[] {
  return namesByAge(join(folder, 'history')).filter((name) => name.endsWith('.json'));
}
