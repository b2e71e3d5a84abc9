// The room notify/ is the story up to the verdict: whose run it is, what is recorded, and what Puppet is told.

import type { Command } from '../puppet/command.ts';
import { describeCommand } from '../puppet/describe.ts';
import { describePatience } from '../schedule/condition.ts';
import type { Entry } from '../schedule/entry.ts';
import { describeLink } from '../schedule/names.ts';
import { describeOutputOfUnit } from '../state/output.ts';
import type { NamedUnit } from '../state/records.ts';
import type { Settings } from '../state/settings.ts';

export interface Scheduled {
  readonly command: Command;
  readonly entry: Entry;
  readonly settings: Settings;
  /** Pid of the waiter. */
  readonly waiter: number;
  /** Where the rerun's output will be: a file, or words. */
  readonly output: string;
  /** The unit that is started instead of the command. */
  readonly restart: NamedUnit | undefined;
  /** Half sentences, such as why the waiter may end before its time. */
  readonly caveats: readonly string[];
}

/** The line for Puppet's log and report: what will run, when, the waiter's pid, and where the output goes. */
export function announce({ command, entry, settings, waiter, output, restart, caveats }: Scheduled): string {
  const [what, where] = restart?.certain
    ? [
        `start ${restart.unit}`,
        `${describeOutputOfUnit('that unit')}${restart.wanted ? '' : ` (its ${restart.because} ends with it, so it is started as a whole)`}`,
      ]
    : [`run \`${describeCommand(command)}\``, `output to ${output}`];
  const otherwise = restart && !restart.certain ? `, ${ifEnded(restart)}` : '';
  const unless = caveats.map((caveat) => `, ${caveat}`).join('');
  return `Will ${what} again ${when(entry)}${describeLink(entry.link, settings.burst)}${otherwise}${unless}; waiter pid ${waiter}, ${where}`;
}

/** The alternative where the unit has ended when the rerun is due. */
function ifEnded({ unit, never }: NamedUnit): string {
  return never === undefined
    ? `or start ${unit} if that has ended by then`
    : `unless ${unit} has ended by then, since it ${never} and is never started again`;
}

function when(entry: Entry): string {
  const grace = entry.grace ?? 0;
  const seconds = Math.round((entry.startTimerNow ? entry.wait : Math.max(entry.wait, grace)) / 1000);
  if (entry.condition) return describePatience(entry.condition, Math.round(entry.wait / 1000), entry.run.pid);
  const run = `this run (pid ${entry.run.pid})`;
  if (entry.startTimerNow)
    return seconds === 0 ? `when ${run} has ended` : `in ${seconds} s, but not before ${run} has ended`;
  return seconds === 0 ? `as soon as ${run} has ended` : `${seconds} s after ${run} has ended`;
}
