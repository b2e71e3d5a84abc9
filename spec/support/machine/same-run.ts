import { expect } from 'vitest';
import { isMomentary } from '../../../src/repeat/surroundings.ts';
import type { Clock, Sight } from './journal.ts';

/** The lines of /proc/PID/status that a process inherits and an execve keeps. */
const inherited = [
  'Umask',
  'Uid',
  'Gid',
  'Groups',
  'SigIgn',
  'CapInh',
  'CapPrm',
  'CapEff',
  'CapBnd',
  'CapAmb',
  'NoNewPrivs',
  'Seccomp',
] as const;

/** All that a process got from the one that started it, in a form that can be compared and shown. */
export function surroundings(sight: Sight) {
  return {
    environ: withoutChain(sight.environ).toString('latin1').split('\0'),
    cwd: sight.cwd,
    ...Object.fromEntries(inherited.map((name) => [name, sight.status.get(name)])),
    SigBlk: blocked(sight),
    limits: sight.limits,
    nice: sight.nice,
    oomScoreAdj: sight.oomScoreAdj,
    cgroup: sight.cgroup,
  };
}

/** The signals that a process has blocked; none where a busy machine shows Ruby at starting the probe, for which it blocks all of them. */
function blocked({ status }: Sight): string {
  const set = BigInt(`0x${status.get('SigBlk')}`);
  return (isMomentary(set) ? 0n : set).toString(16);
}

/** Asserts that the rerun has all of the run: environment, directory, umask, signals, limits, nice, groups … */
export function expectSameSurroundings(rerun: Sight, run: Sight): void {
  expect(surroundings(rerun)).toEqual(surroundings(run));
  expectOnlyChainAdded(rerun.environ, run.environ);
}

/** Asserts the same command, byte for byte. */
export function expectSameCommand(rerun: Sight, run: Sight): void {
  expect(rerun.argv).toEqual(run.argv);
  expect(rerun.cmdline.equals(run.cmdline)).toBe(true);
}

/**
 * Asserts that the rerun of a run, whose agent waits for the lock (`waitsForLock`), has the run's arguments and only what was missing.
 */
export function expectAgentCommand(
  rerun: Sight,
  run: Sight,
  { waitsForLock }: { waitsForLock: boolean },
): void {
  const kept = withoutJobId(run.argv);
  expect(rerun.argv.slice(0, kept.length)).toEqual(kept);

  const added = rerun.argv.slice(kept.length);
  const isTest = kept.includes('--test') || kept.includes('-t'); // brings these three itself
  const flags = ['--onetime', '--no-daemonize', '--no-splay'].filter((flag) => !kept.includes(flag));
  if (isTest) {
    expect(flags).toEqual(expect.arrayContaining(added.filter((word) => flags.includes(word))));
  } else {
    expect(added).toEqual(expect.arrayContaining(flags));
  }
  expect(new Set(added).size).toBe(added.length);

  const rest = added.filter((word) => !flags.includes(word));
  if (waitsForLock) {
    const wait = kept.includes('--waitforlock') ? [] : ['--waitforlock', expect.stringMatching(/^[1-9]\d*$/)];
    expect(rest).toEqual([...wait, '--maxwaitforlock', 'unlimited']);
  } else {
    expect(rest).toEqual([]);
  }
}

/** Asserts that the rerun has no descriptors but the run's own kinds: its output is `log`, its input nothing. */
export function expectNoExtraDescriptors(rerun: Sight, log: string, { starts }: Clock): void {
  const [first, last] = [starts[0], starts.findLast(({ pid }) => pid === rerun.pid)];
  const own = (given: readonly string[] = []) => given.filter((entry) => Number.parseInt(entry, 10) > 2);
  expect(last?.given.slice(0, 3)).toEqual(['0=/dev/null', `1=${log}`, `2=${log}`]);
  // Ruby's own are open by then; what the run had besides, Puppet closed before its Exec.
  expect(first?.given).toEqual(expect.arrayContaining(own(last?.given)));
  const files = rerun.descriptors.filter((line) => line.includes('/state/') && !/^[12] /.test(line));
  expect(files).toEqual([]);
}

function withoutJobId(argv: readonly string[]): string[] {
  return argv.filter((word, n) => !/^--job-id(=|$)/.test(word) && argv[n - 1] !== '--job-id');
}

/** An environment without the variables that carry the chain. */
function withoutChain(environ: Buffer): Buffer {
  const kept = environ
    .toString('latin1')
    .split('\0')
    .filter((entry) => !entry.startsWith('AGAIN_'));
  return Buffer.from(kept.join('\0'), 'latin1');
}

function expectOnlyChainAdded(rerun: Buffer, run: Buffer): void {
  expect(withoutChain(rerun).equals(withoutChain(run)), 'environment, byte for byte').toBe(true);
}
