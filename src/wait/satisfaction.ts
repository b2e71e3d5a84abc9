import { directoryOf, type ProcessId, sameProcess } from '../os/process.ts';
import { startTime } from '../os/start-time.ts';
import { parseArguments } from '../puppet/arguments.ts';
import type { Command } from '../puppet/command.ts';
import { leavesNothingOut } from '../puppet/identify.ts';
import { parsePuppetCommandLine } from '../puppet/interpreter.ts';
import type { PuppetProcess } from '../puppet/processes.ts';
import { isFullSuccess, type ReportMark, readReport, reportMark } from '../puppet/report.ts';
import { appliesTheSame } from '../puppet/same-command.ts';
import { factsOf } from '../repeat/facts.ts';
import type { WaiterContext } from './context.ts';
import type { Look } from './survey.ts';

/** An ordinary run that has done all that a rerun would do. */
export interface SatisfyingRun {
  readonly id: ProcessId;
  /** It began at this time or later: all that was due by then is satisfied. */
  readonly began: number;
}

/** Watches ordinary runs while something is due: one of them may do all that the rerun would. */
export interface Satisfaction {
  /** Takes note of the runs that are going now; returns a run that has just ended in full and with success, by Puppet's own report. In any doubt: undefined. */
  observe(look: Look): SatisfyingRun | undefined;
}

/** Start times are exact to a clock tick, and those of this process to some more. */
const TOLERANCE_MS = 20;

/** A run of the same command that is watched. */
interface Candidate {
  readonly id: ProcessId;
  /** The newest look at which it had not yet begun. */
  readonly notBegunAt: number | undefined;
  /** When it began at the earliest, once it is at work; told once, when it was first seen at that, since a start time changes where the machine sleeps. */
  readonly began: number | undefined;
  /** Whether it was seen at work: an agent gives its lock back a moment before it ends. */
  readonly atWork: boolean;
  /** Puppet's report as it was when the run was first seen at work. */
  readonly report: ReportMark;
  /** Whether no other run was at work meanwhile that writes the same report. */
  readonly alone: boolean;
  /** Neither a no-op run, nor one of some tags. */
  readonly whole: boolean;
}

/** @param puppetEnvironment the Puppet environment of the notifying run, where its report has told it */
export function createSatisfaction(
  context: WaiterContext,
  facts: string,
  command: Command,
  puppetEnvironment: () => string | undefined,
): Satisfaction {
  const { reportFile } = context.puppet;
  let candidates: Candidate[] = [];
  let lastLook: number | undefined;

  const follow = (process: PuppetProcess, look: Look): Candidate => {
    const before = candidates.find(({ id }) => sameProcess(id, process.id));
    const notBegunAt = process.atWork ? (before ? before.notBegunAt : lastLook) : look.at;
    const others = look.processes.filter(
      (other) =>
        other !== process && other.atWork && (other.settings?.reportFile ?? reportFile) === reportFile,
    );
    return {
      id: process.id,
      notBegunAt,
      began: before?.atWork
        ? before.began
        : process.atWork
          ? beginning(process.id, notBegunAt, look.at)
          : undefined,
      atWork: process.atWork || before?.atWork === true,
      report: before?.atWork ? before.report : reportMark(reportFile),
      alone: (before?.alone ?? true) && others.length === 0,
      whole: isWhole(process),
    };
  };
  const hasDoneIt = ({ began, alone, whole, report }: Candidate) =>
    began !== undefined &&
    alone &&
    whole &&
    reportMark(reportFile) !== report &&
    isFullSuccess(readReport(reportFile), puppetEnvironment());

  return {
    observe(look) {
      const ended = candidates.filter(({ id }) => !look.processes.some((one) => sameProcess(one.id, id)));
      candidates = look.processes
        .filter((process) => asksForTheSame(process, context, facts, command))
        .map((process) => follow(process, look));
      lastLook = look.at;
      const done = ended.find(hasDoneIt);
      return done?.began === undefined ? undefined : { id: done.id, began: done.began };
    },
  };
}

/**
 * When a run that is at work began, at the earliest: after the newest look at which it had not, and not before its process. A start time that lies after the
 * look that saw it says nothing.
 */
function beginning(id: ProcessId, notBegunAt: number | undefined, seenAt: number): number | undefined {
  const started = startTime(id);
  const times = [notBegunAt, started <= seenAt + TOLERANCE_MS ? started + TOLERANCE_MS : undefined];
  const seenTimes = times.filter((time) => time !== undefined);
  return seenTimes.length === 0 ? undefined : Math.max(...seenTimes);
}

/** Whether a process runs the command that a waiter would run, in all that has a bearing on what it applies. */
function asksForTheSame(
  process: PuppetProcess,
  context: WaiterContext,
  facts: string,
  command: Command,
): boolean {
  const { run, settings } = process;
  if (!run || !settings || run.executable !== command.executable) return false;
  if ((process.mode === 'apply') !== (command.mode === 'apply') || factsOf(process.environment) !== facts)
    return false;
  return command.mode === 'apply' ? isSameApply(process, command) : isSameAgent(process, context, command);
}

function isSameApply({ id, run }: PuppetProcess, command: Command): boolean {
  return (
    JSON.stringify(run?.argv) === JSON.stringify(command.argv) && directoryOf(id.pid) === command.directory
  );
}

/** The rerun of an agent has more options than its run, which say nothing of what it applies. */
function isSameAgent({ run, settings }: PuppetProcess, context: WaiterContext, command: Command): boolean {
  const wanted = parsePuppetCommandLine(command.argv);
  if (!run || !settings || !wanted) return false;
  const { lockFile, server, certname } = context.puppet;
  const isSameNode =
    settings.lockFile === lockFile && settings.server === server && settings.certname === certname;
  return isSameNode && appliesTheSame(parseArguments(wanted.rest, 'agent'), run.arguments);
}

function isWhole({ run, settings }: PuppetProcess): boolean {
  return run !== undefined && settings !== undefined && leavesNothingOut(run.arguments, settings);
}
