import { bootId, monotonic } from './clock.ts';
import { sameProcess, self } from './proc/process.ts';
import { startTime } from './proc/start-time.ts';
import { randomHex } from './random.ts';
import { ChainEnded } from './refusal.ts';
import type { Request } from './request.ts';
import { type ChainLink, chainLinkOf, processName } from './rerun/environment.ts';
import type { Command } from './rerun/types.ts';
import type { Run } from './run/types.ts';
import { isOver, linkInPlace, newEntry, nextLink } from './schedule/chain.ts';
import { withEntry } from './schedule/entry.ts';
import type { Settings } from './settings.ts';
import { readUnitLink } from './state/chains.ts';
import { newLogName } from './state/logs.ts';
import { type CommandRecord, isHeld } from './state/records.ts';
import type { Held } from './waiter/held.ts';

/** A notification and all that its record follows from. */
export interface Notification {
  readonly request: Request;
  readonly run: Run;
  readonly command: Command;
  readonly settings: Settings;
  readonly held: Held;
  readonly folder: string;
  /** All that is pending, by command. */
  readonly records: ReadonlyMap<string, CommandRecord>;
}

/**
 * The command's record with this notification in it, for the lock's owner to write. A waiter that serves this very run goes on with one entry more; for another run
 * this process takes the record over, since it has come from that run and so has its surroundings.
 *
 * @throws {Refusal} where the chain has reached its limit
 */
export function withNotification({
  request,
  run,
  command,
  settings,
  held,
  folder,
  records,
}: Notification): CommandRecord {
  const mine = records.get(held.id);
  const chainKey = run.mode === 'apply' ? held.id : held.puppet.lockFile;
  const boot = bootId();
  const siblings = [...records.values()].filter((record) => record.chainKey === chainKey);
  const inherited = linkOfRun(run, held, folder, boot);
  const pending = siblings.flatMap((record) => record.entries);
  const link = nextLink(
    Math.max(inherited?.link ?? 0, pending.length > 0 ? linkInPlace(pending, startTime(run.process)) : 0),
    pending.map((entry) => entry.link),
  );
  if (isOver(link, settings)) {
    throw new ChainEnded(
      `the chain of reruns ends here: this would be rerun ${link}, and limit is ${settings.limit}`,
    );
  }
  const entry = newEntry(request, run.process, link, settings, monotonic(), Math.random());
  const shared = isServed(mine, run) ? mine : undefined;
  return {
    version: 1,
    boot,
    command,
    waiter: shared?.waiter ?? self(),
    run: run.process,
    chainKey,
    chain: inherited?.chain ?? siblings[0]?.chain ?? randomHex(8),
    puppet: { lockFile: held.puppet.lockFile, disabledFile: held.puppet.disabledFile },
    log: mine?.log ?? newLogName(new Date()),
    entries: withEntry(mine?.entries ?? [], entry),
  };
}

/** The link of a chain that this run is, by its environment, or where systemd started it for us by what was noted then. */
function linkOfRun(run: Run, held: Held, folder: string, boot: string): ChainLink | undefined {
  const { environment } = held.surroundings;
  const invocation = environment
    .find((entry) => entry.startsWith('INVOCATION_ID='))
    ?.slice('INVOCATION_ID='.length);
  return chainLinkOf(environment, processName(run.source, boot)) ?? readUnitLink(folder, held.id, invocation);
}

/** Whether a living waiter already has the surroundings of this very run. */
export function isServed(record: CommandRecord | undefined, run: Run): record is CommandRecord {
  return record !== undefined && sameProcess(record.run, run.process) && isHeld(record);
}
