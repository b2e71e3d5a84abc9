import { statSync } from 'node:fs';
import { type Bytes, toBuffer, toDisplay } from '../os/bytes.ts';
import { fault } from '../os/fault.ts';
import type { LoggedEvent } from '../os/journal.ts';
import { hasJournal } from '../os/journal-stream.ts';
import { isHere } from '../os/place.ts';
import { type ProcessId, type ProcessSnapshot, readAncestry, sameProcess, self } from '../os/process.ts';
import { Refusal, Unsupported } from '../os/refusal.ts';
import { SECOND_MS } from '../os/second.ts';
import type { Verdict } from '../os/verdict.ts';
import type { Command } from '../puppet/command.ts';
import {
  findOuterRun,
  IN_THE_FOREGROUND,
  identifyRun,
  leavesNothingOut,
  OrphanedRun,
} from '../puppet/identify.ts';
import { mortalInit } from '../puppet/init.ts';
import { reportMark } from '../puppet/report.ts';
import type { Run } from '../puppet/run.ts';
import { findPuppetSettings, type PuppetSettings } from '../puppet/settings.ts';
import { commandOf } from '../repeat/command.ts';
import { imageOf } from '../repeat/executable.ts';
import { factsOf } from '../repeat/facts.ts';
import { enterSurroundings, type Surroundings } from '../repeat/surroundings.ts';
import { CONDITION_VARIABLE, type Condition, formatCondition } from '../schedule/condition.ts';
import { type Entry, isSameNotification } from '../schedule/entry.ts';
import { describeHold } from '../schedule/hold.ts';
import { displayName, displayNames } from '../schedule/names.ts';
import { plainArguments, type WaiterRequest } from '../schedule/request.ts';
import { noteUnitStart } from '../state/chains.ts';
import { openStateFolder } from '../state/folder.ts';
import { readHold } from '../state/hold.ts';
import { recordIn } from '../state/lock.ts';
import { reportLost } from '../state/lost.ts';
import { describeOutput } from '../state/output.ts';
import {
  type CommandRecord,
  commandId,
  commandKey,
  type Findings,
  formerCommandId,
  isMine,
  logOf,
  type NamedUnit,
  newerVersion,
  readRecord,
  readRecords,
  recordPath,
  writeRecord,
} from '../state/records.ts';
import { home, readSettings, type Settings } from '../state/settings.ts';
import { forget, sweep } from '../state/sweep.ts';
import type { WaiterCommand } from '../systemd/relay.ts';
import { enterScope, inScope } from '../systemd/scope.ts';
import { findShelter, type Shelter, type UnitRestart } from '../systemd/shelter.ts';
import { giveWords, keepWords, neededBy, readWordsOf } from '../wait/condition/words.ts';
import type { WaiterContext } from '../wait/context.ts';
import { announce } from './announce.ts';
import { runForForeground, settingsOf, tellForeground } from './foreground.ts';
import { withNewDaemon } from './orphan.ts';
import {
  graceAfter,
  isServed,
  linkOfRun,
  MOST_SETS_OF_FACTS,
  setsToReplace,
  withNotification,
} from './recording.ts';

/** How a notification ended: what to say, and what this process then has to wait for, if anything. */
export type Outcome =
  | { readonly kind: 'said'; readonly verdict: Verdict; readonly events: readonly LoggedEvent[] }
  | {
      readonly kind: 'waiting';
      readonly verdict: Verdict;
      readonly events: readonly LoggedEvent[];
      readonly context: WaiterContext;
      readonly seen: CommandRecord;
    }
  /** The waiter must live in a scope of its own, and only this command can start it there. */
  | { readonly kind: 'elsewhere'; readonly command: WaiterCommand };

/** The source of a notification. */
interface Subject {
  readonly run: Run;
  /** Whether its daemon has ended meanwhile, and another one has taken the place of that. */
  readonly isOrphan: boolean;
  /** The outermost Puppet run in which it is nested. */
  readonly outer: ProcessId | undefined;
  readonly settings: Settings;
  readonly surroundings: Surroundings;
  readonly puppet: PuppetSettings;
  readonly command: Command;
  readonly facts: string;
  /** The command, as the state folder names it. */
  readonly id: string;
  /** Why the waiter may end before its time: a half sentence. */
  readonly caveat: string | undefined;
}

/**
 * The life of a notification up to its verdict: find the run, decide what to repeat, and record it for the waiter that this process is about to
 * become, or for the one that already serves this run.
 *
 * @throws {Refusal} with nothing recorded
 */
export async function takeNotification(request: WaiterRequest): Promise<Outcome> {
  const ancestry = [...readAncestry(request.parent)];
  const answer = await tellForeground(request, ancestry);
  if (answer) return { kind: 'said', verdict: answer, events: [] };
  const subject = await inspect(ancestry).catch(unlessNoop(ancestry));
  if ('kind' in subject) return subject;
  if (subject.puppet.noop) return nothingScheduled(subject.run);
  requireRepeatable(subject);
  const folder = openStateFolder(home());
  const served = isServed(readRecord(folder, subject.id), subject.run, request);
  const wanted = subject.settings.rerun === 'unit' ? ancestry : undefined;
  const { environment } = subject.surroundings;
  const shelter = served ? undefined : await findShelter(subject.run, environment, wanted);
  if (shelter?.scope && !(await enterScope(shelter.scope))) {
    const command = inScope(shelter.scope, [process.execPath, ...plainArguments(request)]);
    return { kind: 'elsewhere', command: withWords(command, request) };
  }
  const context = contextOf(subject, shelter);
  const recorded = await record({ request, subject, shelter, context, folder, served });
  // The waiter that was to serve it has ended meanwhile, or has nothing of it.
  if (!recorded) return takeNotification(request);
  return outcomeOf(recorded, subject, context, folder);
}

/** The words of a condition go the way on which they have come. */
function withWords(command: WaiterCommand, { condition }: WaiterRequest): WaiterCommand {
  if (!condition) return command;
  const variable = { [CONDITION_VARIABLE]: formatCondition(condition) };
  return { ...command, environment: { ...command.environment, ...variable } };
}

/** Finds the run among the ancestors of the caller, and all that decides what its rerun is. */
async function inspect(ancestry: readonly ProcessSnapshot[]): Promise<Subject> {
  const user = process.getuid?.() ?? 0;
  const { run, isOrphan } = await identify(ancestry, user);
  const settings = readSettings();
  const surroundings = enterSurroundings(run);
  const puppet = findPuppetSettings(run, surroundings.environment, user);
  const command = commandOf(run, user, settings.puppetVersion);
  const facts = factsOf(surroundings.environment);
  const outer = findOuterRun(ancestry, run);
  const [id, caveat] = [commandId(command, facts), mortalInit(ancestry)];
  return { run, isOrphan, outer, settings, surroundings, puppet, command, facts, id, caveat };
}

async function identify(
  ancestry: Parameters<typeof findOuterRun>[0],
  user: number,
): Promise<{ run: Run; isOrphan: boolean }> {
  try {
    return { run: identifyRun(ancestry, user), isOrphan: false };
  } catch (error) {
    if (error instanceof OrphanedRun) return { run: await withNewDaemon(error, user), isOrphan: true };
    throw error;
  }
}

/** A no-op run schedules nothing, also one that can't be repeated. */
function unlessNoop(ancestry: readonly ProcessSnapshot[]): (error: unknown) => Outcome {
  return (error) => {
    const user = process.getuid?.() ?? 0;
    const run = error instanceof Unsupported ? runForForeground(ancestry, user) : undefined;
    if (run && settingsOf(run, user).noop) return nothingScheduled(run);
    throw error;
  };
}

function nothingScheduled(run: Run): Outcome {
  const text = `Nothing scheduled: this run (pid ${run.process.pid}) is a no-op run`;
  return { kind: 'said', verdict: { exitCode: 0, text }, events: [] };
}

/** @throws {Refusal} where the run can't be repeated at all */
function requireRepeatable({ run }: Subject): void {
  if (run.process.pid === 1) {
    throw new Unsupported(
      'this Puppet run is the main process of a container (pid 1), which ends with it, ' +
        `so no rerun can follow there: ${IN_THE_FOREGROUND}`,
    );
  }
  if (run.mode === 'apply' && run.manifest !== undefined) requireFile(run.manifest);
}

/** A pipe (bash's `<(…)` under another name) gives its content once. */
function requireFile(manifest: Bytes): void {
  const stat = statSync(toBuffer(manifest), { throwIfNoEntry: false });
  if (!stat || stat.isFile() || stat.isDirectory()) return;
  throw new Unsupported(
    `the manifest ${toDisplay(manifest)} is not a file and cannot be read again: put it into a file, or ${IN_THE_FOREGROUND}`,
  );
}

/** The state that this process holds in memory, should it be the waiter. */
function contextOf(
  { run, settings, surroundings, puppet, id }: Subject,
  shelter: Shelter | undefined,
): WaiterContext {
  return {
    home: home(),
    id,
    surroundings,
    puppet,
    whole: leavesNothingOut(run.arguments, puppet),
    image: imageOf(run.process.pid),
    manifest: run.mode === 'apply' ? run.manifest : undefined,
    reportMark: reportMark(puppet.reportFile),
    puppetEnvironment: undefined,
    restart: shelter?.restart,
    rules: { burst: settings.burst, maxDelay: settings.maxDelay },
    grace: settings.grace * SECOND_MS,
    logdest: settings.logdest === 'journal' && hasJournal() ? 'journal' : 'file',
  };
}

interface Recording {
  readonly request: WaiterRequest;
  readonly subject: Subject;
  readonly shelter: Shelter | undefined;
  readonly context: WaiterContext;
  readonly folder: string;
  readonly served: boolean;
}

interface Recorded {
  readonly made: CommandRecord;
  readonly events: readonly LoggedEvent[];
}

/** Records the notification, under the lock of the state folder; undefined where the waiter that was to serve it is gone, or the record was removed meanwhile. */
function record({
  request,
  subject,
  shelter,
  context,
  folder,
  served,
}: Recording): Promise<Recorded | undefined> {
  const { run, command, facts, id } = subject;
  const link = linkOfRun(run, subject.surroundings.environment, folder, id, shelter?.invocation);
  const { isOrphan } = subject;
  const grace = graceAfter(
    { mode: run.mode, link, isOrphan, isMain: shelter?.isMain === true },
    context.grace,
  );
  return recordIn(folder, () => {
    const found = readRecords(folder);
    const newer = found.has(id) ? undefined : newerVersion(folder, id);
    if (newer !== undefined) {
      throw new Refusal(
        `${recordPath(folder, id)} is of a newer version of again (record ${newer}): run Puppet once more, it delivers that`,
      );
    }
    if (served && !isServed(found.get(id), run, request)) return undefined;
    const { lost, records } = sweep(folder, found);
    const chainKey = run.mode === 'apply' ? commandKey(command) : context.puppet.lockFile;
    const former = formerRecord(records, subject);
    const taken = new Map(records);
    // This process takes it over, also where it is of this very run.
    if (former && taken.delete(former[0]) && !taken.has(id)) taken.set(id, { ...former[1], waiter: self() });
    const made = withNotification({
      ...{
        request,
        run,
        outer: subject.outer,
        command,
        facts,
        chainKey,
        link,
        settings: subject.settings,
        context,
        findings: shelter && findingsOf(shelter),
      },
      records: taken,
      overwritten: hereOnly(found.get(id)),
      grace,
    });
    // Only the record that is overwritten here names what was lost of this very command.
    const replaced = lost.filter((one) => one.id === id && one.record.entries.length > 0);
    const told = replaced.map(reportLost(folder));
    handOver(made, taken.get(id), request.condition);
    fault('notification.recording');
    writeRecord(folder, id, made);
    fault('notification.written');
    // A waiter that is another process knows only what it reads there: what was removed before it has looked would be lost.
    if (served && !isRecorded(made, readRecord(folder, id))) return undefined;
    const tidied = tidyUp(() => {
      fault('notification.recorded');
      // Another waiter has its entries now.
      if (former) writeRecord(folder, former[0], { ...former[1], entries: [] });
      const startedAt = shelter?.restart?.startedAt;
      if (startedAt !== undefined) noteUnitStart(folder, id, startedAt);
      const others = lost.filter((one) => one.id !== id);
      return [...forget(folder, others, reportLost(folder)), ...makeRoom(folder, taken, subject)];
    });
    return { made, events: [...told, ...tidied] };
  });
}

/** Whether the notification that was just added to a record is in it. */
function isRecorded({ entries }: CommandRecord, found: CommandRecord | undefined): boolean {
  const added = entries.at(-1) as Entry;
  return found?.entries.some((one) => isSameNotification(one, added)) === true;
}

/** The part that a line names; undefined where there is nothing to name. */
function findingsOf({ restart, whyCommand, caveat }: Shelter): Findings | undefined {
  if (!restart && whyCommand === undefined && caveat === undefined) return undefined;
  return {
    ...(restart && { restart: namedUnit(restart) }),
    ...(whyCommand !== undefined && { whyCommand }),
    ...(caveat !== undefined && { caveat }),
  };
}

function namedUnit({ unit: { unit }, certain, because, wanted, never }: UnitRestart): NamedUnit {
  return {
    ...{ unit, certain, because },
    ...(wanted !== undefined && { wanted }),
    ...(never !== undefined && { never }),
  };
}

/** A record of another boot names processes that are no longer these. */
function hereOnly(record: CommandRecord | undefined): CommandRecord | undefined {
  return record && isHere(record) ? record : undefined;
}

/**
 * Sees to it that the waiter of a record has the words of its conditions: those of this notification, and where this process takes the record over, those of its
 * former waiter.
 *
 * @throws {Refusal} where there is no memory for them
 */
function handOver(
  made: CommandRecord,
  former: CommandRecord | undefined,
  condition: Condition | undefined,
): void {
  const id = made.entries.at(-1)?.condition?.id;
  const added = new Map(condition && id !== undefined ? [[id, condition]] : []);
  if (!sameProcess(made.waiter, self())) {
    giveWords(made.waiter, added);
    return;
  }
  const isAwaiting = made.entries.some((entry) => entry.condition && entry.condition.metAt === undefined);
  if (!isAwaiting) return;
  const before = former ? readWordsOf(former.waiter) : new Map<string, Condition>();
  keepWords(neededBy(made.entries, new Map([...before, ...added])));
}

/** Once the notification is recorded, nothing refuses it any more: the next process that looks does what is left to do. */
function tidyUp(work: () => LoggedEvent[]): LoggedEvent[] {
  try {
    return work();
  } catch {
    return [];
  }
}

/** A record that a waiter of version 0.1.0 holds for the same command, which it named otherwise. */
function formerRecord(
  records: ReadonlyMap<string, CommandRecord>,
  { command, facts }: Subject,
): readonly [string, CommandRecord] | undefined {
  const id = formerCommandId(command);
  const record = facts === '' ? records.get(id) : undefined;
  return record && [id, record];
}

/** Where one command has too many sets of FACTER variables, ends what is pending for the oldest ones. */
function makeRoom(
  folder: string,
  records: ReadonlyMap<string, CommandRecord>,
  { command, id }: Subject,
): LoggedEvent[] {
  return setsToReplace(records, id, commandKey(command)).flatMap(([otherId, other]) => {
    try {
      writeRecord(folder, otherId, { ...other, entries: [] });
    } catch {
      return []; // No room for that: it stays, and the next one makes room.
    }
    const why = `replaced, since ${MOST_SETS_OF_FACTS} sets of FACTER variables of one command are pending`;
    return [['cancelled', `${displayNames(other.entries)}: ${why}`] as const];
  });
}

/** Where the rerun will write, and why not to the journal, where that is wanted. */
function outputOf(made: CommandRecord, entry: Entry, settings: Settings, folder: string): string {
  const journal = made.logdest === 'journal';
  // Which process writes it is known only of the next one.
  if (journal && entry.log !== undefined) return 'the journal (`again log`)';
  const place = describeOutput(folder, { pid: made.waiter.pid, log: logOf(made, entry), journal });
  return settings.logdest === 'journal' && !journal ? `${place}, since there is no journal here` : place;
}

/** The answer, and whether this process waits. */
function outcomeOf(
  { made, events }: Recorded,
  { command, settings, caveat }: Subject,
  context: WaiterContext,
  folder: string,
): Outcome {
  const entry = made.entries.at(-1) as Entry;
  const hold = readHold(folder);
  const notBefore = hold && `but not before ${describeHold(hold)}`;
  const findings = made.findings ?? {};
  const whyCommand = findings.whyCommand && `not by its unit, since ${findings.whyCommand}`;
  const text = announce({
    command,
    entry,
    settings,
    waiter: made.waiter.pid,
    output: outputOf(made, entry, settings, folder),
    restart: findings.restart,
    caveats: [whyCommand, notBefore, findings.caveat, caveat].filter((one) => one !== undefined),
  });
  const verdict = { exitCode: 0, text };
  const event = entry.link > settings.burst ? 'backing off' : isMine(made) ? 'scheduled' : 'coalesced';
  const all: LoggedEvent[] = [...events, [event, `${displayName(entry.name)}: ${text}`]];
  return isMine(made)
    ? { kind: 'waiting', verdict, events: all, context, seen: made }
    : { kind: 'said', verdict, events: all };
}
