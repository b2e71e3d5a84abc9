import { readText } from './read.ts';

/**
 * Milliseconds of CLOCK_MONOTONIC: not touched by changes of the wall clock, and the same for all processes of one boot
 * (clock_gettime(2)), so that a due time can be handed from one process to another.
 */
export function monotonic(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

/** Names this boot of the kernel; monotonic times and pids mean nothing under another one. */
export function bootId(): string {
  boot ??= readText('/proc/sys/kernel/random/boot_id').trim();
  return boot;
}

let boot: string | undefined;
