import { statSync } from 'node:fs';
import { monotonic } from '../os/clock.ts';
import { readText } from '../os/read.ts';
import { lockPid } from './settings.ts';

/** The fields that are used of Puppet's last run report (`lastrunreport`, report format 10 and later). */
export interface Report {
  /** `changed`, `unchanged` or `failed`. */
  readonly status: string | undefined;
  readonly noop: boolean;
  /** Undefined in reports of a format that does not say it. */
  readonly transactionCompleted: boolean | undefined;
  /** `not_used`, `explicitly_requested` or `on_failure`. */
  readonly cachedCatalogStatus: string | undefined;
  readonly puppetEnvironment: string | undefined;
  /** When the run began, in milliseconds since 1970. */
  readonly time: number | undefined;
}

/** Tells whether a report is still the same file; Puppet replaces it as a whole. */
export type ReportMark = string;

export function reportMark(path: string): ReportMark {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat ? `${stat.dev}:${stat.ino}:${stat.mtimeNs}` : 'none';
}

export function readReport(path: string): Report | undefined {
  try {
    return parseReport(readText(path));
  } catch {
    return undefined;
  }
}

/**
 * The report of a run that has ended; undefined where it has written none, or another run's has taken its place.
 *
 * @param before which one was there while the run was going
 * @param goingAt when it was, in milliseconds of the monotonic clock
 */
export function readReportOf(path: string, before: ReportMark, goingAt: number): Report | undefined {
  const report = reportMark(path) === before ? undefined : readReport(path);
  return report && mayBeOf(report, Date.now() - monotonic() + goingAt) ? report : undefined;
}

/** Whether a report may be that of a run which was going at this time of the wall clock: then it began before. */
export function mayBeOf({ time }: Report, goingAt: number): boolean {
  return time !== undefined && time <= goingAt;
}

/** Whether it can be told that a run did not come to its end: its report says so, or it has left its lock behind. */
export function wasBrokenOff(pid: number, report: Report | undefined, lockFile: string): boolean {
  return report?.transactionCompleted === false || lockPid(lockFile) === pid;
}

/** Takes the top-level scalars out of a report: in the YAML that Puppet writes, those alone begin a line with `name: value`. */
export function parseReport(yaml: string): Report | undefined {
  if (!yaml.startsWith('---')) return undefined;
  const scalars = new Map<string, string>();
  for (const match of yaml.matchAll(/^([a-z_]+): +(\S.*)$/gm)) {
    if (match[1] && match[2]) scalars.set(match[1], match[2].replace(/^(['"])(.*)\1$/, '$2'));
  }
  return {
    status: scalars.get('status'),
    // Absent means unknown, and unknown counts as no-op: in any doubt the rerun happens.
    noop: scalars.get('noop') !== 'false',
    transactionCompleted: booleanOf(scalars.get('transaction_completed')),
    cachedCatalogStatus: scalars.get('cached_catalog_status'),
    puppetEnvironment: scalars.get('environment'),
    time: parseTime(scalars.get('time')),
  };
}

function booleanOf(text: string | undefined): boolean | undefined {
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

/** Whether the run of this report did all that a rerun would do. */
export function isFullSuccess(report: Report | undefined, puppetEnvironment: string | undefined): boolean {
  if (!report || puppetEnvironment === undefined) return false;
  const { status, noop, transactionCompleted, cachedCatalogStatus } = report;
  const succeeded = (status === 'changed' || status === 'unchanged') && transactionCompleted === true;
  return (
    succeeded && !noop && cachedCatalogStatus === 'not_used' && report.puppetEnvironment === puppetEnvironment
  );
}

/** `2026-11-22T08:07:07.910123456+00:00`, or with a space and ` Z` as older Puppets write it. */
function parseTime(text: string | undefined): number | undefined {
  const time = Date.parse(
    (text ?? '').replace(/^(\S+) (\S+?)(\.\d{3})?\d* ?(Z|[+-]\d\d:\d\d)$/, '$1T$2$3$4'),
  );
  return Number.isNaN(time) ? undefined : time;
}
