import { readlinkSync } from 'node:fs';
import { type Bytes, fromBuffer, fromText, toDisplay, toText } from '../os/bytes.ts';
import { Refusal } from '../os/refusal.ts';
import { type Argument, flag, text } from '../puppet/arguments.ts';
import type { Command } from '../puppet/command.ts';
import type { Run } from '../puppet/run.ts';

/** Seconds between two of Puppet's attempts to take the agent's lock. */
const LOCK_RETRY_SECONDS = 5;

/**
 * The command that repeats a run, as the state folder names it.
 *
 * @throws {Refusal} where no record can hold it
 */
export function commandOf(run: Run, user: number, puppetVersion: string): Command {
  if (toText(run.executable) === undefined) {
    throw new Refusal(`the path of Puppet's interpreter, ${toDisplay(run.executable)}, is not UTF-8`);
  }
  return {
    mode: run.mode === 'apply' ? 'apply' : 'agent',
    executable: run.executable,
    argv: rerunArguments(run, knowsWaitForLock(puppetVersion)),
    directory: fromBuffer(readlinkSync(`/proc/${run.process.pid}/cwd`, { encoding: 'buffer' })),
    user,
  };
}

/**
 * The arguments that repeat a run.
 *
 * `puppet apply` is repeated byte for byte. An agent's run keeps its arguments, less `--job-id` (it names one orchestrated job), plus what
 * is missing to make it one run in the foreground, at once, that waits for the lock rather than skip.
 *
 * @param waitsForLock whether this Puppet knows `--waitforlock` and `--maxwaitforlock`; it fails on options that it does not know
 */
export function rerunArguments(run: Run, waitsForLock: boolean): Bytes[] {
  if (run.mode === 'apply') return [...run.argv];
  const added = missing(run.arguments, waitsForLock).map(fromText);
  const end = optionsEnd(run);
  return [...withoutJobId(run, end), ...added, ...run.argv.slice(end)];
}

/** Where options can be added: before a `--`, else at the end. */
function optionsEnd(run: Run): number {
  const inArgument = (index: number) =>
    run.arguments.some(({ at, length }) => index >= at && index < at + length);
  const end = run.argv.slice(run.prefix).findIndex((word, index) => word === '--' && !inArgument(index));
  return end < 0 ? run.argv.length : run.prefix + end;
}

/** The arguments up to `end`, without `--job-id` and its value. */
function withoutJobId(run: Run, end: number): Bytes[] {
  const dropped = new Set<number>();
  for (const { name, at, length } of run.arguments) {
    if (name !== 'job_id') continue;
    for (let i = at; i < at + length; i += 1) dropped.add(run.prefix + i);
  }
  return run.argv.slice(0, end).filter((_, index) => !dropped.has(index));
}

function missing(given: readonly Argument[], waitsForLock: boolean): string[] {
  const added: string[] = [];
  // `--test` stands for all three (application/agent.rb, setup_test), whatever else is on the command line. A word that may be the
  // value of an option that is not known does not count for it.
  if (!given.some(({ name, unsure }) => name === 'test' && !unsure)) {
    if (flag(given, 'onetime') !== true) added.push('--onetime');
    if (flag(given, 'daemonize') !== false) added.push('--no-daemonize');
    if (flag(given, 'splay') !== false) added.push('--no-splay');
  }
  if (waitsForLock) {
    // "0", the default, is Puppet's word for not waiting at all.
    if (!/[1-9]/.test(text(given, 'waitforlock') ?? ''))
      added.push('--waitforlock', String(LOCK_RETRY_SECONDS));
    if (text(given, 'maxwaitforlock') !== 'unlimited') added.push('--maxwaitforlock', 'unlimited');
  }
  return added;
}

/** Puppet has had `--waitforlock` and `--maxwaitforlock` since 6.19. */
export function knowsWaitForLock(puppetVersion: string): boolean {
  const [major = 0, minor = 0] = puppetVersion.split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 19);
}
