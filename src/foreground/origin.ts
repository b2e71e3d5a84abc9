import { readdirSync, readlinkSync } from 'node:fs';
import { type Limit, parseOpenFilesLimit } from '../os/limits.ts';
import { basename } from '../os/path.ts';
import { readText } from '../os/read.ts';
import { numbersOf } from '../os/signals.ts';
import { parseStatus } from '../os/status.ts';

/** How `again run` was started, as far as Node has not changed it for good. */
export interface Origin {
  /** Numbers of the signals that were ignored. */
  readonly ignored: readonly number[];
  /** The limit of open files; undefined where it is as it was. */
  readonly openFiles: Limit | undefined;
  /** Numbers of the open descriptors beyond 2. */
  readonly descriptors: readonly number[];
}

/**
 * Node takes back every ignored signal and raises the limit of open files before any JavaScript runs (src/node.cc, PlatformInit), and no file of /proc keeps their
 * earlier values. The program that started this process still has both, unless it changes them for itself alone.
 */
export function readOrigin(): Origin {
  const mine = parseOpenFilesLimit(readText('/proc/self/limits'));
  const parent = `/proc/${process.ppid}`;
  try {
    const status = parseStatus(readText(`${parent}/status`));
    return {
      ignored: inheritedSignals({
        byParent: status?.ignoredSignals ?? 0n,
        parent: readText(`${parent}/comm`).trimEnd(),
        starter: basename(process.env._ ?? ''),
        own: parseStatus(readText('/proc/self/status'))?.ignoredSignals ?? 0n,
      }),
      openFiles: inheritedLimit(mine, parseOpenFilesLimit(readText(`${parent}/limits`))),
      descriptors: inheritedDescriptors(readDescriptors(), readDescriptors(parent)),
    };
  } catch {
    // Process 1, or one below another user's: only the present state can be told.
    return { ignored: [], openFiles: undefined, descriptors: inheritedDescriptors(readDescriptors()) };
  }
}

/** The signals that a shell ignores for itself while it works, and gives back to the programs that it starts: QUIT, TERM, and job control's TSTP, TTIN and TTOU. */
const SHELLS_OWN = [3, 15, 20, 21, 22];

/** Shells pass on what their `trap ''` ignores; many other programs ignore signals for themselves alone. */
const SHELLS = /^-?(?:a|ba|da|k|mk|z)?sh$|^busybox$/;

const SIGHUP = 1;
const FIRST_REALTIME = 34;

/** The ignored signals with which this process was started. */
export function inheritedSignals({
  byParent,
  parent,
  starter,
  own,
}: {
  /** The signals that the parent ignores, and its name. */
  readonly byParent: bigint;
  readonly parent: string;
  /** The program that shells note as `_` in the environment: `nohup`, for example, which has become this process. */
  readonly starter: string;
  /** The signals that this process ignores; Node leaves the real-time signals alone. */
  readonly own: bigint;
}): number[] {
  const passed = SHELLS.test(parent)
    ? numbersOf(byParent).filter((number) => !SHELLS_OWN.includes(number))
    : [];
  const nohup = starter === 'nohup' ? [SIGHUP] : [];
  const realtime = numbersOf(own).filter((number) => number >= FIRST_REALTIME);
  return [...new Set([...passed.filter((number) => number < FIRST_REALTIME), ...nohup, ...realtime])].sort(
    (a, b) => a - b,
  );
}

/** The limit of open files with which this process was started, where it has another one now. */
export function inheritedLimit(mine: Limit | undefined, parents: Limit | undefined): Limit | undefined {
  if (!mine || !parents || parents.hard !== mine.hard || parents.soft === mine.soft) return undefined;
  return parents;
}

/** An open descriptor and what it leads to. */
interface Descriptor {
  readonly number: number;
  readonly target: string;
}

/** Those of a process; none where it is another user's. */
function readDescriptors(ofProcess = '/proc/self'): Descriptor[] {
  let names: string[];
  try {
    names = readdirSync(`${ofProcess}/fd`);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    try {
      return { number: Number(name), target: readlinkSync(`${ofProcess}/fd/${name}`) };
    } catch {
      return []; // the folder that was just read
    }
  });
}

/**
 * Those that Node has not made for itself: its own are epoll, eventfd, /dev/null, and pipes of which it holds both ends. A shell's `exec 3>&1` and the jobserver of make
 * have two descriptors of one pipe as well, and `exec 3>/dev/null` has that, but there the parent has it, too.
 *
 * @param parents what the parent has open
 */
export function inheritedDescriptors(
  open: readonly Descriptor[],
  parents: readonly Descriptor[] = [],
): number[] {
  const isOwnPipe = (target: string) => {
    const ends = open.filter((one) => one.target === target);
    return (
      ends.length > 1 &&
      ends.every(({ number }) => number > 2) &&
      !parents.some((one) => one.target === target)
    );
  };
  const isParents = ({ number, target }: Descriptor) =>
    parents.some((one) => one.number === number && one.target === target);
  const isOwn = ({ number, target }: Descriptor) =>
    target.startsWith('anon_inode:') ||
    (target === '/dev/null' && !isParents({ number, target })) ||
    (target.startsWith('pipe:') && isOwnPipe(target));
  return open.filter((one) => one.number > 2 && !isOwn(one)).map(({ number }) => number);
}
