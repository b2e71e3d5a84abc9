import { monotonic } from '../os/clock.ts';
import { fault } from '../os/fault.ts';
import { log } from '../os/journal.ts';
import { dirname, join } from '../os/path.ts';
import { isAlive, type ProcessId, sameProcess } from '../os/process.ts';
import { troubleOf } from '../os/refusal.ts';
import { startTime } from '../os/start-time.ts';
import type { PuppetProcess } from '../puppet/processes.ts';
import { isFullSuccess, type Report, readReportOf, wasBrokenOff } from '../puppet/report.ts';
import { type Entry, isSameNotification, isTimedOut, type RunEnd, withMet } from '../schedule/entry.ts';
import { describeTimeout, displayNames } from '../schedule/names.ts';
import { awaitedNow, nextStep, notifyingRuns, outerRuns, type Step } from '../schedule/plan.ts';
import { openStateFolder } from '../state/folder.ts';
import { HOLD_FILE } from '../state/hold.ts';
import { type CommandRecord, withoutObstacle } from '../state/records.ts';
import { settleReruns } from '../systemd/outcome.ts';
import { isShuttingDown } from '../systemd/shutdown.ts';
import type { Blocker } from './blocker.ts';
import type { WaiterContext } from './context.ts';
import type { Looking } from './looking.ts';
import { cancelRecord, changeRecord, finishRecord, noteRunEnd, ownRecord, watchRecord } from './record.ts';
import { INEXACT_MS, LONGEST_MS, runEnds } from './run-end.ts';
import type { Satisfaction, SatisfyingRun } from './satisfaction.ts';
import { noteSatisfied } from './satisfied.ts';
import type { Survey } from './survey.ts';
import type { Wakeup } from './wakeup.ts';

/**
 * Waits until what is pending is due and nothing is in the way, then becomes the rerun. Returns only when this process has nothing to wait for any
 * more: cancelled, taken over by another waiter, or not able to run.
 *
 * @param recorded what was recorded with this process as the waiter
 */
export async function waitAndBecome(
  context: WaiterContext,
  recorded: CommandRecord,
  wakeup: Wakeup,
  cancelled: () => boolean,
): Promise<void> {
  const waiter = new Waiter(context, recorded, wakeup, cancelled);
  try {
    // While the notifying run is going, Puppet's report is still that of the run before.
    await settleReruns(join(context.home, 'state'));
    while (!cancelled()) {
      try {
        if ((await waiter.step()) === 'end') return;
      } catch (error) {
        // No room on the disk, a state folder that cannot be used, systemd that does not answer: all that is pending is kept here until that passes.
        await waiter.waitFor({ kind: 'trouble', because: troubleOf(error) });
      }
    }
  } finally {
    await waiter.stopLooking();
  }
  // Entries that a shutdown ends stay recorded, and are reported as lost after the next boot.
  if (await isShuttingDown()) return;
  await waiter.cancel();
}

/** The end of a run, as it was seen. */
interface SeenEnd {
  readonly end: RunEnd;
  /** The run's own report, where it has written one. */
  readonly report: Report | undefined;
}

/** Milliseconds for which a run is watched at once. */
const WATCH_MS = 60_000;

/** The code that is needed when something is due. A waiter may live for days before that, so it is loaded late; if that comes soon after the run, while the run is at its end. */
const loadPart = () => import('./late.ts');
/** Milliseconds after a run within which something is due soon. */
const SOON_MS = 1000;
const loadPartEarly = () => void loadPart().catch(() => {}); // the import that needs it throws

class Waiter {
  private readonly context: WaiterContext;
  private seen: CommandRecord;
  private readonly wakeup: Wakeup;
  private readonly cancelled: () => boolean;
  /** Puppet's state folder, where its report, its locks and what disables it are. */
  private readonly puppetState: string;
  /** The notifying run's Puppet environment, once its report has told it. */
  private puppetEnvironment: string | undefined;
  private watching: { readonly survey: Survey; readonly satisfaction: Satisfaction } | undefined;
  /** When the grace time after an ordinary run that was in the way is over. */
  private quietUntil = 0;
  /** An ordinary run that was in the way at the last look. */
  private stranger: ProcessId | undefined;
  /** Since when other waiters have been let go first. */
  private lettingGoSince: number | undefined;
  /** The looks at conditions, once there is one to look at. */
  private looking: Looking | undefined;
  /** Which conditions have come to hold, and when, until that is in the record. */
  private readonly met = new Map<string, number>();
  /** The ends of runs that are not in the record yet. */
  private readonly ends = new Map<string, SeenEnd>();
  /** Runs that may have done what is pending, until that is in the record. */
  private readonly satisfying: SatisfyingRun[] = [];
  /** Whether changes of the record end a sleep. */
  private isWatching = false;
  /** Notifications whose timeout was reported. */
  private readonly timedOut = new Set<string>();
  /** The last report of why nothing starts. */
  private told: string | undefined;

  constructor(context: WaiterContext, recorded: CommandRecord, wakeup: Wakeup, cancelled: () => boolean) {
    this.context = context;
    this.seen = recorded;
    this.wakeup = wakeup;
    this.cancelled = cancelled;
    this.puppetEnvironment = context.puppetEnvironment;
    this.puppetState = dirname(context.puppet.reportFile);
  }

  /** Takes out all that is pending, since a signal has ended this process, and reports it, also where there is no room to take it out. */
  async cancel(): Promise<void> {
    let told = false;
    const tell = (entries: readonly Entry[], more = '') => {
      told = true;
      if (entries.length > 0) log('cancelled', `${displayNames(entries)}${more}`);
    };
    try {
      await cancelRecord(this.context, this.seen, tell);
    } catch (error) {
      if (!told) tell(this.seen.entries, `: its record stays, and will be told as lost: ${troubleOf(error)}`);
    }
  }

  /** Does what comes next, by the record as it is now. */
  async step(): Promise<'go on' | 'end'> {
    fault('waiter.step');
    if (!this.isWatching) watchRecord(this.context, this.wakeup);
    this.isWatching = true;
    const record = await ownRecord(this.context, this.seen, this.wakeup);
    if (!record) return 'end';
    this.seen = record;
    if (this.met.size > 0) {
      await this.noteMet();
      return 'go on';
    }
    if ((await this.noteSatisfied(record)) || (await this.noteEnded(record))) return 'go on';
    const step = nextStep(record.entries, monotonic());
    if (step.kind !== 'rerun') this.watching = undefined;
    await this.lookAt(awaitedNow(record.entries, monotonic()));
    switch (step.kind) {
      case 'finish':
        return (await finishRecord(this.context)) ? 'end' : 'go on';
      case 'await-run':
        await this.awaitRun(step);
        await this.tell(undefined);
        return 'go on';
      case 'await-time':
      case 'look':
        await this.tell(undefined);
        await this.wakeup.sleep(step.until - monotonic());
        return 'go on';
      case 'drop':
        await this.drop(step.entries);
        await this.tell(undefined);
        return 'go on';
      case 'rerun':
        return this.rerun(record, step);
    }
  }

  /** Takes out what a run has done of what is pending; whether there was one. Where there is no room for that, it counts once there is. */
  private async noteSatisfied(record: CommandRecord): Promise<boolean> {
    const [run] = this.satisfying;
    if (!run) return false;
    await noteSatisfied(this.context, record, run);
    this.satisfying.shift();
    return true;
  }

  /** Notes the end of a run that is not watched: another one that has notified, or one in which one that notified is nested. Whether there was one. */
  private async noteEnded({ entries }: CommandRecord): Promise<boolean> {
    const [, ...others] = notifyingRuns(entries);
    const ended = [...others, ...outerRuns(entries)].find((run) => !isAlive(run));
    if (ended) await this.noteEnd(ended, LONGEST_MS + INEXACT_MS);
    return ended !== undefined;
  }

  /** Waits for the end of a run that has notified, or in which one that notified is nested, and notes it. */
  private async awaitRun({
    run,
    until = Number.POSITIVE_INFINITY,
  }: Step & { kind: 'await-run' }): Promise<void> {
    const { entries } = this.seen;
    const isSoon = entries.some(({ wait, grace = 0 }) => Math.max(wait, grace) < SOON_MS);
    // One is watched: a step is for the others.
    const longest = notifyingRuns(entries).length > 1 ? LONGEST_MS : WATCH_MS;
    const { ended, late } = await runEnds(
      run,
      this.wakeup,
      this.puppetState,
      isSoon ? loadPartEarly : undefined,
      Math.min(longest, until - monotonic()),
    );
    if (ended) await this.noteEnd(run, late);
  }

  /**
   * Notes that a run has ended. It is seen once: where there is no room for the note, its time stays, and so does Puppet's report, which another run may replace.
   *
   * @param late by how many milliseconds that may have been noticed late
   */
  private async noteEnd(run: ProcessId, late: number): Promise<void> {
    const key = `${run.pid} ${run.start}`;
    const seen = this.ends.get(key) ?? this.seeEnd(run, late);
    this.ends.set(key, seen);
    const { end, report } = seen;
    fault('waiter.run-ended');
    await noteRunEnd(this.context, run, end);
    this.ends.delete(key);
    if (end.brokenOff) this.tellBrokenOff(end);
    this.puppetEnvironment = report?.puppetEnvironment ?? this.puppetEnvironment;
    // It may have done all that another one had asked for before.
    if (this.context.whole && isFullSuccess(report, report?.puppetEnvironment))
      this.satisfying.push({ id: run, began: startTime(run) });
    await settleReruns(openStateFolder(this.context.home));
  }

  private seeEnd(run: ProcessId, late: number): SeenEnd {
    // Before the report is read, which takes a while: a run that begins now began after this one.
    const at = monotonic();
    const notified = this.seen.entries.filter((entry) => sameProcess(entry.run, run));
    if (notified.length === 0) return { end: { at }, report: undefined };
    const { puppet, reportMark } = this.context;
    const goingAt = Math.max(...notified.map(({ notifiedAt }) => notifiedAt));
    const report = readReportOf(puppet.reportFile, reportMark, goingAt);
    return { end: { at, late, brokenOff: wasBrokenOff(run.pid, report, puppet.lockFile) }, report };
  }

  /** Looks at just these, beside all else. */
  private async lookAt(awaited: readonly Entry[]): Promise<void> {
    if (awaited.length === 0) return this.stopLooking();
    if (!this.looking) {
      const { createLooking } = await import('./looking.ts');
      this.looking = createLooking(this.context, (ids, at) => {
        for (const id of ids) this.met.set(id, at);
        this.wakeup.poke();
      });
    }
    this.looking.lookAt(awaited);
  }

  /** Ends all looks: nothing is left that they have started. */
  async stopLooking(): Promise<void> {
    const { looking } = this;
    this.looking = undefined;
    await looking?.stop();
  }

  /** Notes which conditions hold. Where there is no room for that, they are kept here until there is. */
  private async noteMet(): Promise<void> {
    const met = new Map(this.met);
    fault('waiter.met');
    await changeRecord(this.context, (record) => ({ ...record, entries: withMet(record.entries, met) }));
    for (const id of met.keys()) this.met.delete(id);
  }

  /** Takes out the entries whose conditions did not come to hold in time. They are reported before they go: if the process is killed in between, the record is reported as lost. */
  private async drop(expired: readonly Entry[]): Promise<void> {
    const isExpired = (entry: Entry) => expired.some((one) => isSameNotification(one, entry));
    await changeRecord(this.context, (record) => {
      for (const entry of record.entries.filter(isExpired)) this.tellTimedOut('dropped', entry);
      return { ...record, entries: record.entries.filter((entry) => !isExpired(entry)) };
    });
  }

  private tellBrokenOff(end: RunEnd): void {
    const since = new Date(Date.now() - (monotonic() - end.at)).toISOString();
    log(
      'waiting',
      `${displayNames(this.seen.entries)}: the run was aborted at ${since}, so no rerun starts before 30 s have passed`,
    );
  }

  /** Something is due: starts it, unless something is in the way or has already done it. */
  private async rerun(
    record: CommandRecord,
    { notBefore }: Step & { kind: 'rerun' },
  ): Promise<'go on' | 'end'> {
    const { createSatisfaction, createSurvey, findObstacle, startRerun } = await loadPart();
    const { context } = this;
    for (const entry of record.entries)
      if (isTimedOut(entry, monotonic())) this.tellTimedOut('timed out', entry, '; it runs all the same');
    this.watching ??= {
      survey: createSurvey(record.command.user, [context.puppet.lockFile]),
      satisfaction: createSatisfaction(context, record.facts, record.command, () => this.puppetEnvironment),
    };
    const { survey, satisfaction } = this.watching;
    const look = survey.look();
    this.noteStrangersEnd(survey.going(look), look.at);
    const satisfying = satisfaction.observe(look);
    if (satisfying) {
      this.satisfying.push(satisfying);
      this.quietUntil = Math.max(this.quietUntil, monotonic() + context.grace);
      return 'go on';
    }
    const obstacle = await findObstacle({
      context,
      record,
      look,
      survey,
      notBefore,
      quietUntil: this.quietUntil,
    });
    if (obstacle) return this.waitFor(obstacle);
    // The rerun will take the place of the newest report.
    await settleReruns(openStateFolder(context.home));
    const attempt = await startRerun({
      context: { ...context, puppetEnvironment: this.puppetEnvironment },
      survey,
      waited: this.lettingGoSince === undefined ? 0 : monotonic() - this.lettingGoSince,
      cancelled: this.cancelled,
      stopLooking: () => this.stopLooking(),
      met: this.met,
      know: (record) => {
        this.seen = record;
      },
    });
    if (attempt.kind === 'over') return 'end';
    return attempt.kind === 'blocked' ? this.waitFor(attempt.blocker) : 'go on';
  }

  /** Reports once that the time of a condition is over, also where there is no room yet to write what comes of it. */
  private tellTimedOut(event: 'dropped' | 'timed out', entry: Entry, more = ''): void {
    const notification = `${entry.condition?.id} ${entry.notifiedAt}`;
    if (this.timedOut.has(notification)) return;
    this.timedOut.add(notification);
    log(event, `${displayNames([entry])}: ${describeTimeout(entry)}${more}`);
  }

  /** A script may start another run after an ordinary one. The end of that is seen by a look, since something else may have ended the wait for it. */
  private noteStrangersEnd(going: readonly PuppetProcess[], at: number): void {
    const { stranger } = this;
    if (!stranger || going.some(({ id }) => sameProcess(id, stranger))) return;
    this.stranger = undefined;
    this.quietUntil = at + this.context.grace;
  }

  /** Waits until what is in the way may have gone. */
  async waitFor(blocker: Blocker): Promise<'go on'> {
    const { isWorthTelling, patienceOf } = await loadPart();
    await this.tell(isWorthTelling(blocker) ? blocker : undefined);
    if (blocker.kind === 'turn') this.lettingGoSince ??= monotonic();
    else if (blocker.kind !== 'start') this.lettingGoSince = undefined;
    const patience = patienceOf(blocker, monotonic());
    if (blocker.kind !== 'run') {
      const unwatch = this.wakeup.watch(dirname(this.context.puppet.disabledFile));
      const unwatchHold = this.wakeup.watch(join(this.context.home, 'state'), { name: HOLD_FILE });
      await this.wakeup.sleep(patience);
      unwatch();
      unwatchHold();
      return 'go on';
    }
    if (blocker.stranger) this.stranger = blocker.run;
    const { ended } = await runEnds(blocker.run, this.wakeup, this.puppetState, undefined, patience);
    if (!ended) return 'go on';
    await settleReruns(openStateFolder(this.context.home));
    return 'go on';
  }

  /**
   * Reports once what keeps a rerun from starting, and when that has passed: in the journal, and for `again status` in the record, unless it is another run or a hold:
   * `again status` sees these by itself.
   */
  private async tell(blocker: Blocker | undefined): Promise<void> {
    const why = blocker && (await loadPart()).describeBlocker(blocker);
    if (why !== this.told) {
      const names = displayNames(this.seen.entries);
      if (!blocker && names !== '') log('continues', names);
      // An abort was told when the run ended, with what it holds back.
      else if (blocker && !(blocker.kind === 'time' && blocker.because === 'broken off'))
        log('waiting', `${names}: ${['trouble', 'unit'].includes(blocker.kind) ? '' : 'for '}${why}`);
      this.told = why;
    }
    const heldUp = blocker && ['run', 'start', 'hold'].includes(blocker.kind) ? undefined : why;
    if (heldUp === this.seen.heldUp) return;
    try {
      await changeRecord(this.context, (record) => ({
        ...withoutObstacle(record),
        ...(heldUp === undefined || !blocker ? {} : { heldUp, heldUpBy: blocker.kind }),
      }));
    } catch {
      // No room for it: the next look tries again.
    }
  }
}
