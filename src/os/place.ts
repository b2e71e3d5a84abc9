import { readlinkSync } from 'node:fs';
import { bootId } from './clock.ts';
import { fingerprint } from './fingerprint.ts';
import { readText } from './read.ts';
import { namespacesIn } from './status.ts';

/**
 * Where a pid means something. A state folder may be shared: an NFS home that several hosts mount, or a folder of the host that is bound into a
 * container.
 */
export interface Place {
  /** Names the machine, by a fingerprint of its machine-id(5), or of its host name where it has none. */
  readonly machine: string;
  readonly boot: string;
  /** The PID namespace (pid_namespaces(7)), as the kernel names it: `pid:[4026531836]`. */
  readonly pidNamespace: string;
}

/** The first PID namespace of a boot has this number (PROC_PID_INIT_INO of the kernel); a container is in another one. */
export const FIRST_NAMESPACE = 'pid:[4026531836]';

let thisPlace: Place | undefined;

/** The place of this process. */
export function here(): Place {
  thisPlace ??= { machine: machine(), boot: bootId(), pidNamespace: namespaceOf('self') ?? '' };
  return thisPlace;
}

/** Distinguishes what processes of different places write side by side. The same after a reboot. */
export function placeTag(
  { machine, pidNamespace }: Pick<Place, 'machine' | 'pidNamespace'> = here(),
): string {
  return fingerprint(`${machine} ${pidNamespace}`).slice(0, 8);
}

/** Where the boot is the same, so is the machine, also where it has been given another machine-id(5) or host name meanwhile. */
export function isHere({ boot, pidNamespace }: Place): boolean {
  const place = here();
  return boot === place.boot && pidNamespace === place.pidNamespace;
}

/** Whether it is this place, or one on this machine before that was booted again: then nothing of it is going. */
export function isHereOrBefore({ machine, boot, pidNamespace }: Place): boolean {
  const place = here();
  return boot === place.boot ? pidNamespace === place.pidNamespace : machine === place.machine;
}

/** Why no process of this place can still live; undefined where one may, out of sight. */
export type Over = 'the machine was rebooted' | 'its container was restarted';

/** A waiter touches its record at least once in a minute ({@link TOUCHED_MS}); so long after the last time, milliseconds, it does not live. */
const ABANDONED_MS = 5 * 60_000;

/** Milliseconds after which a waiter touches its record, for those who can't see its process. */
export const TOUCHED_MS = 45_000;

/**
 * Why a place that is not this one is over, if it is. Another machine's may live. So may, seen from a container, the host's, and that of another container; but a
 * record that was not touched for some minutes is one of a container that has ended. The host sees all processes.
 *
 * @param age milliseconds since the record was touched
 * @param pids all processes that can be seen
 */
export function whyOver(
  place: Place,
  age: () => number,
  pids: () => Iterable<number>,
  { machine, boot, pidNamespace }: Place = here(),
): Over | undefined {
  if (place.boot !== boot) return place.machine === machine ? 'the machine was rebooted' : undefined;
  if (pidNamespace !== FIRST_NAMESPACE) {
    const isContainers = place.pidNamespace !== FIRST_NAMESPACE;
    return isContainers && age() > ABANDONED_MS ? 'its container was restarted' : undefined;
  }
  for (const pid of pids()) if (namespaceOf(pid) === place.pidNamespace) return undefined;
  return 'its container was restarted';
}

export function namespaceOf(pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

/**
 * Whether a process is as many PID namespaces deep as this one, which everyone may read. So a container is told from the machine, where the namespace itself is hidden.
 *
 * @throws {Error} where it has ended
 */
export function isAsDeep(pid: number): boolean {
  const depth = (one: number | 'self') => namespacesIn(readText(`/proc/${one}/status`));
  return depth(pid) === depth('self');
}

function machine(): string {
  try {
    const id = readText('/etc/machine-id').trim();
    if (/^[0-9a-f]{32}$/.test(id)) return fingerprint(id);
  } catch {
    // It has none.
  }
  return fingerprint(readText('/proc/sys/kernel/hostname').trim());
}
