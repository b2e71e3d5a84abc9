import type { Bytes } from '../os/bytes.ts';
import { monotonic } from '../os/clock.ts';
import { here, type Place } from '../os/place.ts';
import { isAlive, type ProcessId, sameProcess, self } from '../os/process.ts';
import { drawnFor, randomHex } from '../os/random.ts';
import { ChainEnded } from '../os/refusal.ts';
import { startTime } from '../os/start-time.ts';
import { version } from '../os/version.ts';
import type { Command } from '../puppet/command.ts';
import type { Run } from '../puppet/run.ts';
import { chainLinkOf, processName } from '../repeat/environment.ts';
import type { ChainLink } from '../schedule/chain.ts';
import { isOver, linkInPlace, newEntry, nextLink } from '../schedule/chain.ts';
import { areDueTogether, type Entry, withEntry, withoutEntry } from '../schedule/entry.ts';
import type { Request } from '../schedule/request.ts';
import { readUnitLink } from '../state/chains.ts';
import { newLogName } from '../state/logs.ts';
import {
  type CommandRecord,
  commandKey,
  type Findings,
  hasLivingWaiter,
  RECORD_VERSION,
} from '../state/records.ts';
import type { Settings } from '../state/settings.ts';
import { takesWords } from '../wait/condition/words.ts';
import type { WaiterContext } from '../wait/context.ts';

/** A notification and all that its record follows from. */
export interface Notification {
  readonly request: Request;
  readonly run: Run;
  /** The outermost Puppet run in which this one is nested. */
  readonly outer: ProcessId | undefined;
  readonly command: Command;
  /** A fingerprint of the run's FACTER variables. */
  readonly facts: string;
  /** The key by which records share a chain. */
  readonly chainKey: string;
  /** The link of a chain that the run is. */
  readonly link: ChainLink | undefined;
  /** Milliseconds of grace after the run, where no waiter serves it yet. */
  readonly grace: number;
  readonly settings: Settings;
  readonly context: WaiterContext;
  /** The findings of this process about its place, should it be the waiter. */
  readonly findings?: Findings | undefined;
  /** All that is pending, by command. */
  readonly records: ReadonlyMap<string, CommandRecord>;
  /** The record that the new one is written over, also where it is that of a dead waiter. */
  readonly overwritten: CommandRecord | undefined;
}

/** The values that a record takes from the world beside its notification. */
export interface Moment {
  /** Milliseconds of the monotonic clock, and when the notifying run began. */
  readonly now: number;
  readonly began: number;
  /** 0 to 1: the part of the splay that is waited. */
  readonly random: number;
  /** Whether a living waiter has the surroundings of this very run already. */
  readonly served: boolean;
  readonly self: ProcessId;
  /** Living processes that have been the record's waiter, and may not know yet that another one is. */
  readonly former: readonly ProcessId[];
  readonly place: Place;
  /** Names for a new log, a new chain and a new lineage. */
  readonly log: string;
  readonly chain: string;
  readonly lineage: string;
  /** Names the words of its condition. */
  readonly condition: string;
}

function thisMoment({ request, run, context, records, overwritten }: Notification): Moment {
  const mine = records.get(context.id);
  const served = isServed(mine, run, request);
  return {
    now: monotonic(),
    began: startTime(run.process),
    // One splay for all that one run asks for: entries that are due together stay together.
    random: drawnFor(here().boot, run.process.pid, run.process.start),
    served,
    self: self(),
    former: formerWaiters(overwritten, served).filter(isAlive),
    place: here(),
    log: newLogName(new Date()),
    chain: randomHex(8),
    lineage: randomHex(12),
    condition: randomHex(12),
  };
}

/** Milliseconds within which a daemon that was just started begins its first run. */
const FIRST_RUN_MS = 15_000;

/** How a run was started. */
export interface Starter {
  readonly mode: Run['mode'];
  /** The link of a chain that the run is. */
  readonly link: ChainLink | undefined;
  /** Whether its daemon has ended meanwhile, and another one has taken the place of that. */
  readonly isOrphan: boolean;
  /** Whether it is the main process of its service. */
  readonly isMain: boolean;
}

/**
 * Milliseconds of grace after a run. No script waits for the end of a run that `again` itself or a daemon has started, or that is a service's main process.
 * But a new daemon begins with a run of its own.
 *
 * @param grace after any other run
 */
export function graceAfter({ mode, link, isOrphan, isMain }: Starter, grace: number): number {
  if (isOrphan) return FIRST_RUN_MS;
  return link !== undefined || mode === 'daemon' || isMain ? 0 : grace;
}

/** The former waiters of a record that a notification takes over; also of one without entries, which `again cancel` may have emptied. */
export function formerWaiters(record: CommandRecord | undefined, served: boolean): readonly ProcessId[] {
  if (!record) return [];
  return [...(record.former ?? []), ...(served ? [] : [record.waiter])];
}

/**
 * The command's record with this notification in it, for the lock's owner to write. A waiter that serves this very run continues with one entry more; for another run
 * this process takes the record over, since it has come from that run and so has its surroundings.
 *
 * @throws {Refusal} where the chain has reached its limit
 */
export function withNotification(
  notification: Notification,
  moment: Moment = thisMoment(notification),
): CommandRecord {
  const { request, run, outer, command, facts, chainKey, context, settings, records, overwritten } =
    notification;
  const mine = records.get(context.id);
  const siblings = [...records.values()].filter(
    (record) => record.chainKey === chainKey && record.entries.length > 0,
  );
  const link = linkOf(notification, siblings, moment.began);
  if (isOver(link, settings)) {
    throw new ChainEnded(
      `the chain of reruns ends here: this would be rerun ${link}, and limit is ${settings.limit}`,
    );
  }
  const shared = moment.served ? mine : undefined;
  const grace = shared?.grace ?? notification.grace;
  const { findings } = shared ?? notification;
  const asked = newEntry(request, run.process, link, settings, moment.now, moment.random, moment.condition);
  const log = ownLog(mine?.entries ?? [], asked, moment.log);
  const entry: Entry = {
    ...asked,
    ...(outer && { outer }),
    ...(grace > 0 && { grace }),
    ...(log !== undefined && { log }),
  };
  return {
    version: RECORD_VERSION,
    software: shared?.software ?? version,
    ...moment.place,
    command,
    facts,
    waiter: shared?.waiter ?? moment.self,
    lineage: overwritten && overwritten.lineage.length > 0 ? overwritten.lineage : [moment.lineage],
    ...(moment.former.length > 0 && { former: moment.former }),
    run: run.process,
    grace,
    chainKey,
    chain: notification.link?.chain ?? siblings[0]?.chain ?? moment.chain,
    puppet: { lockFile: context.puppet.lockFile, disabledFile: context.puppet.disabledFile },
    log: mine?.log ?? moment.log,
    ...((shared ?? context).logdest === 'journal' && { logdest: 'journal' }),
    ...(findings && { findings }),
    entries: withEntry(mine?.entries ?? [], entry),
  };
}

/** The log of an entry where it is not the record's: it may have a rerun of its own, before or after that of the others. */
function ownLog(pending: readonly Entry[], asked: Entry, log: string): string | undefined {
  const others = withoutEntry(pending, asked);
  if (others.length === 0) return undefined;
  const together = others.find((other) => areDueTogether(other, asked));
  return together ? together.log : log;
}

/** The link that a notification asks for: after that of its run, or of what is pending in the same chain. */
function linkOf(
  { link, context, records }: Notification,
  siblings: readonly CommandRecord[],
  began: number,
): number {
  const pending = siblings.flatMap((record) => record.entries);
  // Only what is pending with the same facts is satisfied by this run.
  const own = records.get(context.id)?.entries ?? [];
  const inPlace = own.length > 0 ? linkInPlace(own, began) : 0;
  return nextLink(
    Math.max(link?.link ?? 0, inPlace),
    pending.map((entry) => entry.link),
  );
}

/**
 * The link of a chain that this run is, by its environment, or where systemd started it for us by what was noted then.
 *
 * @param ofService the name that systemd gave to the start of the run's service: sudo, for example, takes the variable away
 */
export function linkOfRun(
  run: Run,
  environment: readonly Bytes[],
  folder: string,
  id: string,
  ofService: string | undefined,
): ChainLink | undefined {
  const invocation =
    environment.find((entry) => entry.startsWith('INVOCATION_ID='))?.slice('INVOCATION_ID='.length) ??
    ofService;
  return (
    chainLinkOf(environment, processName(run.source, here().boot)) ?? readUnitLink(folder, id, invocation)
  );
}

/** Whether a living waiter already has the surroundings of this very run, and a place for the words of a condition, where there is one. */
export function isServed(
  record: CommandRecord | undefined,
  run: Run,
  { condition }: Pick<Request, 'condition'>,
): record is CommandRecord {
  if (record === undefined || !sameProcess(record.run, run.process) || !hasLivingWaiter(record)) return false;
  return condition === undefined || takesWords(record.waiter);
}

/** How many sets of FACTER variables of one command can wait at once: a variable that counts up must not fill the machine with waiters. */
export const MOST_SETS_OF_FACTS = 8;

/** The records that make room, where one more set of FACTER variables of a command waits: those whose newest request is the oldest. */
export function setsToReplace(
  records: ReadonlyMap<string, CommandRecord>,
  id: string,
  key: string,
): [string, CommandRecord][] {
  const others = [...records]
    .filter(([, other]) => other.entries.length > 0)
    .filter(([otherId, other]) => otherId !== id && commandKey(other.command) === key)
    .sort(([, a], [, b]) => newestNotification(a) - newestNotification(b));
  return others.slice(0, Math.max(0, others.length + 1 - MOST_SETS_OF_FACTS));
}

function newestNotification({ entries }: CommandRecord): number {
  return Math.max(0, ...entries.map((entry) => entry.notifiedAt));
}
