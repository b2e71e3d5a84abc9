import { spawn } from 'node:child_process';
import type { Limit } from '../proc/limits.ts';

/**
 * Gives this process the run's limit of open files again, which Node raised at its start: by prlimit(1) of util-linux, since Node
 * can't. Returns whether that worked; below 64 it isn't tried, Node itself needs some.
 */
export async function restoreOpenFiles(limit: Limit | undefined): Promise<boolean> {
  if (!limit) return false;
  if (limit.soft === limit.hard) return true;
  if (limit.soft !== undefined && limit.soft < 64) return false;
  const value = `${limit.soft ?? 'unlimited'}:${limit.hard ?? 'unlimited'}`;
  return new Promise((resolve) => {
    const child = spawn('prlimit', ['--pid', String(process.pid), `--nofile=${value}`], {
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      stdio: 'ignore',
    });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}
