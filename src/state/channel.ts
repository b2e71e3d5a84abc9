import { lstatSync } from 'node:fs';
import { type Bytes, splitAtNul, toText } from '../os/bytes.ts';
import { bootId } from '../os/clock.ts';
import { handedOn } from '../os/handed-on.ts';
import { join } from '../os/path.ts';
import { commOf, type ProcessId, type ProcessSnapshot, sameProcess } from '../os/process.ts';
import { readBytes } from '../os/read.ts';
import { Refusal } from '../os/refusal.ts';

/**
 * By which a notification below an `again run` reaches it: a Unix socket in a folder that only its user can enter. The environment of what `again run` starts
 * names it, together with the process that listens there; a name counts for nothing unless that process is an ancestor.
 */
export interface Channel {
  /** The `again run` that listens. */
  readonly owner: ProcessId;
  readonly boot: string;
  readonly folder: string;
}

/** The variable that names channels, the innermost one first. */
export const CHANNEL_VARIABLE = 'AGAIN_RUN';

/** The kernel's name for an `again run` (proc_pid_comm(5)): `killall again` must not end a run in its middle. */
export const FOREGROUND_COMM = 'again-run';

/** The form of the name, and of what is said on the channel. Another version's is none. */
export const CHANNEL_VERSION = 1;

/** The value of the variable for what `again run` starts: its own channel, before those that it was started below. */
export function channelsBelow(channel: Channel, inherited = ''): string {
  return [formatChannel(channel), ...parseChannels(inherited).map(formatChannel)].join(' ');
}

function formatChannel({ owner, boot, folder }: Channel): string {
  return `${CHANNEL_VERSION}:${owner.pid}:${owner.start}:${boot}:${folder}`;
}

/** Reads a value of the variable; anything that is not in our form is left out. */
export function parseChannels(value: string): Channel[] {
  return value.split(' ').flatMap((name) => {
    const [, version, pid, start, boot = '', folder = ''] =
      /^(\d+):(\d{1,10}):(\d{1,15}):([0-9a-f-]{36}):(\/[^\0 ]+)$/.exec(name) ?? [];
    return Number(version) === CHANNEL_VERSION
      ? [{ owner: { pid: Number(pid), start: Number(start) }, boot, folder }]
      : [];
  });
}

export function socketOf(folder: string): string {
  return join(folder, 'socket');
}

/** The `again run` that a process is below. */
export interface Above {
  readonly channel: Channel;
  /** Where among the ancestors it is, 0 for the nearest. */
  readonly at: number;
}

/**
 * The innermost `again run` among the ancestors (nearest first) that one of these names stands for.
 *
 * @param comm what the kernel calls a process
 * @throws {Refusal} where the innermost one is another user's, which only that user can reach
 */
export function innermostChannel(
  ancestry: readonly ProcessSnapshot[],
  channels: readonly Channel[],
  user: number,
  comm: (pid: number) => string = commOf,
  boot: string = bootId(),
): Above | undefined {
  for (const [at, { id, status }] of ancestry.entries()) {
    const isTheirs = status.realUser !== user || status.effectiveUser !== user;
    const channel = channels.find((one) => one.boot === boot && sameProcess(one.owner, id));
    if (!isTheirs && channel && comm(id.pid) === FOREGROUND_COMM) return { channel, at };
    if (isTheirs && comm(id.pid) === FOREGROUND_COMM)
      throw new Refusal(
        `this run is below an \`again run\` (pid ${id.pid}) of user ${status.effectiveUser}, and belongs to user ${user} itself: ` +
          'put what changes the user outside, as in `sudo again run -- puppet apply ...`',
      );
  }
  return undefined;
}

/**
 * The `again run` that a process is below, by what its caller and the one above that were started with.
 *
 * @param value of the variable, as the caller has handed it on
 */
export function findChannel(
  ancestry: readonly ProcessSnapshot[],
  user: number,
  value = handedOn()[CHANNEL_VARIABLE] ?? '',
): Above | undefined {
  const channels = [...parseChannels(value), ...ancestry.slice(0, 2).flatMap(({ id }) => channelsOf(id.pid))];
  const above = innermostChannel(ancestry, channels, user);
  return above && isPrivate(above.channel.folder, user) ? above : undefined;
}

function channelsOf(pid: number): Channel[] {
  try {
    const environment = readBytes(`/proc/${pid}/environ`);
    // Nearly no run has it, and to take an environment apart leaves garbage.
    if (!environment.includes(`${CHANNEL_VARIABLE}=`)) return [];
    const prefix = `${CHANNEL_VARIABLE}=`;
    const values = splitAtNul(environment).filter((entry) => entry.startsWith(prefix));
    return values.flatMap((entry) => parseChannels(toText(entry.slice(prefix.length) as Bytes) ?? ''));
  } catch {
    return []; // ended, or not ours to see; a title may also cover it (os/handed-on.ts)
  }
}

/** Whether only this user (or root) can have made what is in a folder. */
export function isPrivate(folder: string, user: number): boolean {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === user && (stat.mode & 0o077) === 0;
}
