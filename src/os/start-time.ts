import { monotonic } from './clock.ts';
import { type ProcessId, self } from './process.ts';

/** Milliseconds of one clock tick of /proc/PID/stat: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10;

/**
 * When a process started, on the monotonic clock, in milliseconds; up to some hundredths of a second too late. Computed from the start of this
 * process, whose time is known on both clocks: `/proc/uptime` is no help, since lxcfs has a container read its own there, while start times are those of the
 * host. The kernel counts them also while the machine is suspended, which the monotonic clock leaves out: a time that lies in the future says nothing.
 */
export function startTime(id: ProcessId): number {
  const began = monotonic() - process.uptime() * 1000;
  return began + (id.start - self().start) * TICK_MS;
}
