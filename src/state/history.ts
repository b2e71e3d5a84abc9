import { readdirSync } from 'node:fs';
import { join } from '../path.ts';
import { readOwnFile, removeFile, replaceFile } from './files.ts';

/** How many reruns are remembered. */
const KEPT = 200;

/** A rerun that was started, or that was to be. */
export interface PastRerun {
  readonly version: 1;
  /** Also the name of its log, without `.log`. */
  readonly id: string;
  readonly boot: string;
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
  /** What Puppet's report said of it, once that was seen. */
  readonly outcome?: { readonly status: string; readonly seconds: number };
}

function pastPath(folder: string, { id }: Pick<PastRerun, 'id'>): string {
  return join(folder, 'history', `${id}.json`);
}

export function forgetPastRerun(folder: string, rerun: Pick<PastRerun, 'id'>): void {
  removeFile(pastPath(folder, rerun));
}

/** Remembers a rerun. A disk without room for that is no reason not to run. */
export function writePastRerun(folder: string, rerun: PastRerun): void {
  try {
    replaceFile(pastPath(folder, rerun), `${JSON.stringify(rerun)}\n`);
  } catch {
    return;
  }
  for (const name of fileNames(folder).slice(0, -KEPT)) removeFile(join(folder, 'history', name));
}

/** All that is remembered, oldest first. What is not readable is left out. */
export function readHistory(folder: string): PastRerun[] {
  return fileNames(folder).flatMap((name) => readPastRerun(folder, name) ?? []);
}

/** The newest rerun that was started. */
export function newestRerun(folder: string): PastRerun | undefined {
  for (const name of fileNames(folder).reverse()) {
    const rerun = readPastRerun(folder, name);
    if (rerun?.failure === null) return rerun;
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
      [rerun.pid, rerun.start, rerun.link].every(Number.isSafeInteger) &&
      Array.isArray(rerun.names) &&
      !Number.isNaN(Date.parse(rerun.startedAt));
    return valid ? rerun : undefined;
  } catch {
    return undefined;
  }
}

/** Names begin with the time in UTC, so they sort by it. */
function fileNames(folder: string): string[] {
  return readdirSync(join(folder, 'history'))
    .filter((name) => name.endsWith('.json'))
    .sort();
}
