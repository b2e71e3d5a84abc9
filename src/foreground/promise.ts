import { describePatience } from '../schedule/condition.ts';
import type { Entry } from '../schedule/entry.ts';

/** The line for Puppet's log and report: what runs again, when, and who does it. */
export function describePromise(command: string, pid: number, entry: Entry, burst: number): string {
  return `Will run \`${command}\` again ${when(entry)}${why(entry, burst)}, in the foreground: again run, pid ${pid}`;
}

function when({ wait, startTimerNow, run, condition }: Entry): string {
  const seconds = Math.round(wait / 1000);
  if (condition) return describePatience(condition, seconds, run.pid);
  if (seconds === 0) return 'as soon as it has ended';
  if (startTimerNow) return `in ${seconds} s, but not before it has ended`;
  return `${seconds} s after this run (pid ${run.pid}) has ended`;
}

function why({ link }: Entry, burst: number): string {
  if (link === 1) return '';
  return ` (rerun ${link} in a row${link > burst ? `, backing off: the first ${burst} ran at their due time` : ''})`;
}

const LONGEST = 200;

/** A command as a person would type it. */
export function describeWords(words: readonly string[]): string {
  const line = words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${shown(word)}'`)).join(' ');
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 3)}...` : line;
}

/** Within quotes, on one line. */
function shown(word: string): string {
  return word
    .replaceAll("'", `'\\''`)
    .replace(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
