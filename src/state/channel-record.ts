import { lstatSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { bootId } from '../os/clock.ts';
import { readOwnFile, replaceFile } from '../os/files.ts';
import { join } from '../os/path.ts';
import { placeTag } from '../os/place.ts';
import { isAlive, type ProcessId } from '../os/process.ts';
import type { Entry } from '../schedule/entry.ts';
import { isPrivate } from './channel.ts';
import type { LooksAt } from './looks.ts';

/** All that is pending below an `again run`, for `again status`, `again cancel` and the fact `again`: a file beside its socket. */
export interface ChannelRecord {
  readonly version: 1;
  readonly waiter: ProcessId;
  readonly boot: string;
  /** As a person would type it. */
  readonly command: string;
  readonly chain: string;
  /** When its first rerun started, ISO 8601, UTC. */
  readonly since?: string;
  readonly entries: readonly Entry[];
  /** How far it has come with its looks, by the ids of conditions. */
  readonly looks?: Readonly<Record<string, LooksAt>>;
  /** Why a rerun that is due does not start, in words. */
  readonly heldUp?: string;
  /** The state folder whose hold counts for it. */
  readonly stateFolder?: string;
}

/** Where folders of channels are made, the best first. Other users' runtime folders are left out. */
export function channelPlaces(user: number): string[] {
  const { XDG_RUNTIME_DIR: runtime } = process.env;
  const own = runtime !== undefined && isPrivate(runtime, user) ? [runtime] : [];
  return [...new Set([...(user === 0 ? ['/run'] : []), ...own, tmpdir(), '/tmp'])];
}

/** Where they are looked for: cron, for example, names no runtime folder, and a session of the same user does. */
function allChannelPlaces(user: number): string[] {
  const runtime = `/run/user/${user}`;
  return [...new Set([...channelPlaces(user), ...(isPrivate(runtime, user) ? [runtime] : [])])];
}

/** The beginning of the name of a channel's folder; the pid of its `again run` follows. */
export const channelPrefix = (tag = placeTag()) => `again-run-${tag}-`;

function recordPath(folder: string): string {
  return join(folder, 'pending.json');
}

/** A disk without room for that is no reason not to run. */
export function writeChannelRecord(folder: string, record: ChannelRecord): void {
  try {
    replaceFile(recordPath(folder), `${JSON.stringify(record)}\n`);
  } catch {
    // It shows what was pending before.
  }
}

/** The record of each living `again run` of this user, with the folder of its channel. */
export function readChannelRecords(
  user = process.getuid?.() ?? 0,
): { folder: string; record: ChannelRecord }[] {
  return allChannelPlaces(user).flatMap((place) =>
    namesIn(place).flatMap((name) => {
      const folder = join(place, name);
      if (!lstatSync(folder, { throwIfNoEntry: false }) || !isPrivate(folder, user)) return [];
      const record = parseChannelRecord(readOwnFile(recordPath(folder)) ?? '');
      return record && record.boot === bootId() && isAlive(record.waiter) ? [{ folder, record }] : [];
    }),
  );
}

function namesIn(place: string): string[] {
  try {
    return readdirSync(place).filter((name) => name.startsWith(channelPrefix()));
  } catch {
    return [];
  }
}

export function parseChannelRecord(content: string): ChannelRecord | undefined {
  try {
    const record = JSON.parse(content) as ChannelRecord;
    const { version, waiter, boot, command, chain, entries, heldUp, stateFolder } = record;
    const valid =
      version === 1 &&
      [boot, command, chain].every((value) => typeof value === 'string') &&
      [heldUp, stateFolder].every((value) => value === undefined || typeof value === 'string') &&
      [waiter.pid, waiter.start].every(Number.isSafeInteger) &&
      entries.every(
        ({ wait, link, notifiedAt, condition }) =>
          [wait, link, notifiedAt].every(Number.isFinite) &&
          (condition === undefined || typeof condition.what === 'string'),
      );
    return valid ? record : undefined;
  } catch {
    return undefined;
  }
}
