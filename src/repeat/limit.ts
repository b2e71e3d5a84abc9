import type { Limit } from '../os/limits.ts';
import { runSilently } from '../os/spawn.ts';

/**
 * Gives this process the run's limit of open files again, which Node raised at its start: by prlimit(1) of util-linux, since Node
 * can't. Returns whether that worked; below 64 it isn't tried, Node itself needs some.
 */
export function restoreOpenFiles(limit: Limit | undefined): boolean {
  if (!limit) return false;
  if (limit.soft === limit.hard) return true;
  if (limit.soft !== undefined && limit.soft < 64) return false;
  const value = `${limit.soft ?? 'unlimited'}:${limit.hard ?? 'unlimited'}`;
  return runSilently('prlimit', ['--pid', String(process.pid), `--nofile=${value}`]) === 0;
}
