import { monotonic } from '../clock.ts';
import { readText } from '../read.ts';
import type { ProcessId } from './process.ts';

/** Milliseconds of one clock tick of /proc/PID/stat: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10;

/**
 * When a process started, on the monotonic clock, in milliseconds, and never too late: by then it can't have done anything. The kernel
 * counts start times from boot, also while the machine was suspended, which the monotonic clock leaves out.
 */
export function startTime(id: ProcessId): number {
  const uptime = Number.parseFloat(readText('/proc/uptime')) * 1000;
  return monotonic() - (uptime - id.start * TICK_MS) - 2 * TICK_MS;
}
