import { type Bytes, splitAtNul } from '../os/bytes.ts';
import { monotonic } from '../os/clock.ts';
import { here, isAsDeep, namespaceOf } from '../os/place.ts';
import {
  allPids,
  commOf,
  hasImage,
  type ProcessId,
  type ProcessSnapshot,
  readProcess,
} from '../os/process.ts';
import { isSameFile, isShortage, readBytes } from '../os/read.ts';
import { SECOND_MS } from '../os/second.ts';
import { startTime } from '../os/start-time.ts';
import { lastValue } from './arguments.ts';
import { argvOfTitle, describe, isRewritten, isSingle } from './identify.ts';
import { isRuby, mayBeRuby, parsePuppetCommandLine } from './interpreter.ts';
import type { Run } from './run.ts';
import { findPuppetSettings, lockPid, type PuppetSettings } from './settings.ts';

/** A Puppet that applies something, or is about to. Neither a daemon between its runs, nor `puppet resource` and the like. */
export interface PuppetProcess {
  readonly id: ProcessId;
  readonly mode: Run['mode'];
  /** The run as it was asked for; undefined where that can't be told any more, as of a run whose daemon is gone. */
  readonly run: Omit<Run, 'mode'> | undefined;
  readonly environment: readonly Bytes[];
  readonly settings: PuppetSettings | undefined;
  /** An agent that has its lock; every `puppet apply`. */
  readonly atWork: boolean;
  /** Milliseconds of its life so far, as far as its start time tells; not below 0. */
  readonly age: number;
}

/** An agent may be about to take its lock for so many milliseconds. Later than that it sleeps: in splay, or waiting for a certificate or a lock. */
export const TAKING_THE_LOCK_MS = 15 * SECOND_MS;

/** Subcommand options of the agent that make it do something else than a run (application/agent.rb). */
export const NO_RUN = ['disable', 'enable', 'fingerprint', 'help', 'version', 'configprint', 'genconfig'];

/**
 * Finds the Puppets of this user in this PID namespace, below the same root folder: all of /proc is read, and of most processes only the command line.
 *
 * @param user the effective user
 * @param lockFiles locks that a process may hold whose own settings can't be told
 * @throws where there is nothing left to look with: one that was not seen would count as one that is not there
 */
export function findPuppetProcesses(user: number, lockFiles: readonly string[]): PuppetProcess[] {
  return allPids().flatMap((pid) => {
    try {
      return inspect(pid, user, lockFiles) ?? [];
    } catch (error) {
      if (isShortage(error)) throw error;
      return []; // it ended while we looked, or is not ours to see
    }
  });
}

function inspect(pid: number, user: number, lockFiles: readonly string[]): PuppetProcess | undefined {
  if (pid === process.pid || !readBytes(`/proc/${pid}/cmdline`).includes('puppet')) return undefined;
  const found = readProcess(pid);
  if (!found || found.status.effectiveUser !== user || !isRubyHere(found)) return undefined;
  return direct(found, user) ?? rewritten(found, user, lockFiles);
}

/**
 * Whether a process is a Ruby of this place. Its image, PID namespace and root folder are hidden from a process of the same user that has fewer capabilities, as in a unit with
 * `CapabilityBoundingSet=` (ptrace(2), "Ptrace access mode checking"). In doubt it is one: a rerun then waits too long, and never starts beside it.
 */
function isRubyHere({ id: { pid }, image, argv }: ProcessSnapshot): boolean {
  if (image === undefined) return hasImage(pid) && mayBeRuby(argv, commOf(pid)) && isAsDeep(pid);
  return isRuby(image) && namespaceOf(pid) === here().pidNamespace && isSameFile(`/proc/${pid}/root/`, '/');
}

/** A Puppet whose arguments are as it was started with. */
function direct(found: ProcessSnapshot, user: number): PuppetProcess | undefined {
  const commandLine = parsePuppetCommandLine(found.argv);
  if (commandLine?.subcommand !== 'apply' && commandLine?.subcommand !== 'agent') return undefined;
  const run = describe(found, found, commandLine);
  const mode = commandLine.subcommand;
  const isNone = NO_RUN.some(
    (name) => ![undefined, false].includes(lastValue(run.arguments, name) as undefined),
  );
  if (mode === 'agent' && isNone) return undefined;
  const process = puppetProcess(found, run, mode, user);
  // Else it is a daemon between its runs.
  const isRun = mode === 'apply' || isSingle(run.arguments) || process.settings?.onetime || process.atWork;
  return isRun ? process : undefined;
}

/** A Puppet that wrote a title over its arguments: the run of a daemon, or what `bundle exec` has started. */
function rewritten(
  found: ProcessSnapshot,
  user: number,
  lockFiles: readonly string[],
): PuppetProcess | undefined {
  if (!isRewritten(found.argv)) return undefined;
  const daemon = readProcess(found.parent);
  const commandLine = daemon && parsePuppetCommandLine(daemon.argv);
  const ofDaemon =
    daemon && commandLine?.subcommand === 'agent' ? describe(found, daemon, commandLine) : undefined;
  if (ofDaemon && !isSingle(ofDaemon.arguments)) return puppetProcess(found, ofDaemon, 'daemon', user);
  const argv = argvOfTitle(found);
  if (parsePuppetCommandLine(argv)) return direct({ ...found, argv }, user);
  // The run of a daemon that has ended meanwhile: its lock is all that tells.
  const atWork = lockFiles.some((file) => lockPid(file) === found.id.pid);
  return {
    id: found.id,
    mode: 'daemon',
    run: undefined,
    environment: [],
    settings: undefined,
    atWork,
    age: ageOf(found.id),
  };
}

function puppetProcess(
  { id }: ProcessSnapshot,
  run: Omit<Run, 'mode'>,
  mode: Run['mode'],
  user: number,
): PuppetProcess {
  const environment = environmentOf(run.source.pid);
  const settings = findPuppetSettings({ ...run, mode } as Run, environment, user);
  const atWork = mode === 'apply' || lockPid(settings.lockFile) === id.pid;
  return { id, mode, run, environment, settings, atWork, age: ageOf(id) };
}

/** The environment of a process; none where it is hidden, as its image is. */
function environmentOf(pid: number): readonly Bytes[] {
  try {
    return splitAtNul(readBytes(`/proc/${pid}/environ`));
  } catch (error) {
    if (['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

function ageOf(id: ProcessId): number {
  return Math.max(0, monotonic() - startTime(id));
}
