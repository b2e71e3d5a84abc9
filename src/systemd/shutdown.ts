import { existsSync } from 'node:fs';
import { readText } from '../os/read.ts';
import { openManager } from './service-manager.ts';

/** A shutdown that shutdown(8) has announced. */
export interface ScheduledShutdown {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** How it ends: `reboot`, `poweroff`, `halt`, `kexec` … */
  readonly mode: string;
}

/** Where logind notes it, and removes it when it is cancelled (`shutdown -c`). */
const SCHEDULED = '/run/systemd/shutdown/scheduled';

const MINUTE_MS = 60_000;
/** A rerun that began so shortly before it would be killed in its middle. */
const TOO_SHORT_MS = 15 * MINUTE_MS;
/** A machine that has not gone down so long after its time does not go down: a file that was left behind holds nothing. */
const STALE_MS = 5 * MINUTE_MS;

/** The shutdown or reboot that is scheduled, if any. A file that can't be read is none. */
export function scheduledShutdown(): ScheduledShutdown | undefined {
  try {
    return parseScheduled(readText(SCHEDULED));
  } catch {
    return undefined;
  }
}

/** Parses the lines of that file. A trial (`shutdown -k`, of which logind makes a mode `dry-…`) does not count. */
export function parseScheduled(text: string): ScheduledShutdown | undefined {
  const value = (name: string) =>
    new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1]?.replace(/^"(.*)"$/, '$1');
  const microseconds = value('USEC') ?? '';
  const mode = value('MODE') ?? '';
  if (!/^\d{1,20}$/.test(microseconds) || mode === '' || mode.startsWith('dry-')) return undefined;
  return { at: Math.floor(Number(microseconds) / 1000), mode };
}

/**
 * Whether no rerun starts because of a shutdown: it is less than 15 minutes away, or its time has just come.
 *
 * @param now milliseconds since 1970
 */
export function holdsReruns(scheduled: ScheduledShutdown | undefined, now: number): boolean {
  if (!scheduled) return false;
  const left = scheduled.at - now;
  return left < TOO_SHORT_MS && left > -STALE_MS;
}

/** The states of a system that stays up; one that goes down says `stopping`, and at its very end nothing any more. */
const UP = ['initializing', 'starting', 'running', 'degraded', 'maintenance'];

/** Whether the machine is being shut down: then systemd ends everything, and no person has asked to cancel. Where there is no way to ask, it is not. */
export async function isShuttingDown(): Promise<boolean> {
  if (!existsSync('/run/systemd/system')) return false;
  const manager = await openManager({ kind: 'system' });
  try {
    const state = await manager.systemState();
    return state !== undefined && !UP.includes(state);
  } catch {
    return true;
  } finally {
    manager.close();
  }
}
