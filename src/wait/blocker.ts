// The room wait/ is the story after the verdict: waiting, what is in the way of a rerun, what satisfies it, its start, and the successor.

import type { ProcessId } from '../os/process.ts';
import { SECOND_MS } from '../os/second.ts';
import { describeHold, type Hold } from '../schedule/hold.ts';

/** Why a rerun that is due can't start yet. */
export type Blocker =
  /** Another run is going, or about to begin; `patience` is for how many milliseconds it may be only about to. */
  | { readonly kind: 'run'; readonly run: ProcessId; readonly patience: number; readonly stranger: boolean }
  /** `puppet agent --disable` */
  | { readonly kind: 'disabled' }
  /** The machine is to go down in some minutes; `at` is in milliseconds since 1970. */
  | { readonly kind: 'shutdown'; readonly at: number; readonly mode: string }
  /** `again hold`; `left` is how many milliseconds it still holds. */
  | { readonly kind: 'hold'; readonly hold: Hold; readonly left: number }
  /** The unit that is to be started again has not quite ended yet; `restarted`: something else has started it meanwhile. */
  | {
      readonly kind: 'unit end';
      readonly unit: string;
      readonly restarted: boolean;
      readonly patience: number;
    }
  /** Systemd does not start it yet. */
  | { readonly kind: 'unit'; readonly because: string; readonly patience: number }
  /** The grace time, or the distance from the rerun before; `until` is of the monotonic clock. */
  | { readonly kind: 'time'; readonly until: number; readonly because: 'grace' | 'broken off' | 'back-off' }
  /** Another rerun is about to start, or comes first. */
  | { readonly kind: 'start' | 'turn'; readonly pid: number }
  /** Something went wrong that may pass: no room on the disk, systemd that does not answer. */
  | { readonly kind: 'trouble'; readonly because: string };

/** The blocker in words: the thing that is waited for, or a clause where there is none. */
export function describeBlocker(blocker: Blocker): string {
  switch (blocker.kind) {
    case 'run':
      return `another run, pid ${blocker.run.pid}`;
    case 'disabled':
      return '`puppet agent --enable`';
    case 'shutdown':
      return `the ${blocker.mode} that is scheduled for ${new Date(blocker.at).toISOString()}, or \`shutdown -c\``;
    case 'hold':
      return describeHold(blocker.hold);
    case 'unit end':
      return `the end of ${blocker.unit}${blocker.restarted ? ', which was started meanwhile' : ''}`;
    case 'unit':
      return blocker.because;
    case 'time':
      return TIMES[blocker.because];
    case 'start':
      return `the start of another rerun, pid ${blocker.pid}`;
    case 'turn':
      return `a rerun that is due longer, of waiter pid ${blocker.pid}`;
    case 'trouble':
      return blocker.because;
  }
}

const TIMES = {
  grace: 'the grace time after the run',
  'broken off': 'the end of the 30 s after a run that was aborted',
  'back-off': 'the back-off of its chain, of which another rerun started a short time ago',
} as const;

/** Whether it is reported to people: not the grace time, with which every rerun begins. */
export function isWorthTelling(blocker: Blocker): boolean {
  return !(blocker.kind === 'time' && blocker.because === 'grace') && blocker.kind !== 'turn';
}

/** Milliseconds between two looks at a blocker that lasts for minutes or hours. */
const SELDOM_MS = 5000;

/** Milliseconds until the next look, where no event reports it. */
export function patienceOf(blocker: Blocker, now: number): number {
  switch (blocker.kind) {
    case 'run':
      return blocker.patience;
    case 'time':
      return Math.min(blocker.until - now, blocker.because === 'back-off' ? SELDOM_MS : 250);
    case 'disabled':
      return SELDOM_MS;
    // So that of several waiters, the one that comes first has noticed its end while the others let it go first.
    case 'shutdown':
      return SECOND_MS;
    case 'hold':
      return Math.min(blocker.left, SELDOM_MS);
    case 'unit':
    case 'unit end':
      return blocker.patience;
    case 'start':
    case 'turn':
      return 100;
    case 'trouble':
      return SECOND_MS;
  }
}
