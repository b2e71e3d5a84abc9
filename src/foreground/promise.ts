import { describePatience } from '../schedule/condition.ts';
import type { Entry } from '../schedule/entry.ts';
import { describeLink } from '../schedule/names.ts';

/** The line for Puppet's log and report: what runs again, when, and who does it. */
export function describePromise(command: string, pid: number, entry: Entry, burst: number): string {
  return `Will run \`${command}\` again ${when(entry)}${describeLink(entry.link, burst)}, in the foreground: again run, pid ${pid}`;
}

function when({ wait, startTimerNow, run, condition }: Entry): string {
  const seconds = Math.round(wait / 1000);
  if (condition) return describePatience(condition, seconds, run.pid);
  if (seconds === 0) return 'as soon as it has ended';
  if (startTimerNow) return `in ${seconds} s, but not before it has ended`;
  return `${seconds} s after this run (pid ${run.pid}) has ended`;
}
