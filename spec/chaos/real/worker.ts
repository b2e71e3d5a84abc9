// Has its share of the real sequences. Runs in a PID namespace of its own (main.ts starts it there): a waiter looks at all Puppets that it can see, and no other test's may be
// among them.
//
//   node spec/chaos/real/worker.ts [--seed N --sequences N] [--minutes N] [--keep FOLDER] [--whole] [FILE…]
//
// Tells the sequences of the files again, and then so many new ones. --whole: one that fails is shown as it is, and not shrunk.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { cache } from '../../../scripts/project.mjs';
import { Command } from './command.ts';
import { twoPrograms } from './place.ts';
import { Sequence } from './sequence.ts';
import { type Step, step } from './steps.ts';

/** How long a sequence that fails is shrunk, in milliseconds. */
const SHRINKING_MS = 180_000;

/** How many commands at least half of many sequences are to have. */
const LEAST_MEDIAN = 8;

const { values, positionals } = parseArgs({
  options: {
    seed: { type: 'string', default: '0' },
    sequences: { type: 'string', default: '0' },
    minutes: { type: 'string', default: '70' },
    keep: { type: 'string' },
    whole: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

// No systemd of this machine has a say in it.
if (existsSync('/run/systemd')) execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/run/systemd']);
const folder = mkdtempSync(join(tmpdir(), 'again-chaos-'));
const removeFolder = () => {
  // A sequence that was broken off has its small disk still.
  for (const [, mount = ''] of readFileSync('/proc/self/mounts', 'utf8').matchAll(/^\S+ (\S+)/gm))
    if (mount.startsWith(`${folder}/`)) execFileSync('umount', ['--lazy', mount]);
  rmSync(folder, { recursive: true, force: true });
};
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
  process.once(signal, () => {
    removeFolder();
    process.exit(1);
  });
try {
  const programs = twoPrograms(folder);
  const kept = await tellAgain(programs);
  const isNew = Number(values.sequences) > 0 && (await tellNew(programs));
  process.exitCode = kept && (isNew || values.sequences === '0') ? 0 : 1;
} finally {
  removeFolder();
}

/** Whether new sequences are as they should be. */
async function tellNew(programs: [string, string]): Promise<boolean> {
  const [seed, numRuns] = [Number(values.seed), Number(values.sequences)];
  const lengths: number[] = [];
  const began = Date.now();
  let failedAt = 0;
  const commands = fc.commands([step.map((one) => new Command(one))], { size: '+1', maxCommands: 24 });
  const property = fc.asyncProperty(commands, async (steps) => {
    // fast-check shrinks for as long as there is something to leave out.
    if (failedAt > 0 && Date.now() - failedAt > SHRINKING_MS) return;
    const sequence = new Sequence(folder, programs);
    try {
      const state = { model: { disabled: false, full: false }, real: sequence };
      await fc.asyncModelRun(() => state, steps);
      if (failedAt === 0) lengths.push(sequence.length);
      const wrong = await sequence.finish();
      if (wrong.length === 0) return;
      if (failedAt === 0) keepSeen(`seed-${seed}`, [...wrong, ...sequence.seen]);
      failedAt ||= Date.now();
      throw new Error(wrong.join('\n'));
    } finally {
      await sequence.close();
    }
  });
  const details = await fc.check(property, {
    seed,
    numRuns,
    endOnFailure: values.whole,
    interruptAfterTimeLimit: Number(values.minutes) * 60_000,
    markInterruptAsFailure: true,
  });
  const median = lengths.sort((a, b) => a - b)[Math.floor(lengths.length / 2)] ?? 0;
  const seconds = Math.round((Date.now() - began) / 1000);
  console.log(
    `chaos: real, seed ${seed}: ${lengths.length} of ${numRuns} sequences, median of ${median} commands, in ${seconds} s`,
  );
  if (!details.failed && numRuns >= 100 && median < LEAST_MEDIAN) {
    console.log(
      `chaos: real, seed ${seed}: sequences are too short: half of them have less than ${LEAST_MEDIAN} commands`,
    );
    return false;
  }
  if (!details.failed) return true;
  const [found] = details.counterexample ?? [];
  // fast-check has each command in a wrapper of its own, which says whether it was run.
  const steps = [...(found ?? [])].flatMap((one) => {
    const command = (one as { cmd?: unknown }).cmd ?? one;
    return command instanceof Command ? [command.step] : [];
  });
  console.log(
    `chaos: real, seed ${seed}: ${(details.errorInstance as Error | undefined)?.message ?? 'no time left'}`,
  );
  console.log(steps.map((one) => JSON.stringify(one)).join('\n'));
  if (values.keep !== undefined && steps.length > 0) {
    mkdirSync(values.keep, { recursive: true });
    const path = join(values.keep, `seed-${seed}.json`);
    writeFileSync(path, `[\n${steps.map((one) => `  ${JSON.stringify(one)}`).join(',\n')}\n]\n`);
    console.log(`chaos: kept as ${path}`);
  }
  return false;
}

/** Keeps what was seen of a sequence at its first failure: told again, or shrunk, it may not fail in the same way. */
function keepSeen(name: string, lines: readonly string[]): void {
  const path = join(cache, 'chaos', `${name}.log`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  console.log(`chaos: what was seen of it: ${path}`);
}

/** Whether kept sequences are as they should be. */
async function tellAgain(programs: [string, string]): Promise<boolean> {
  let good = true;
  for (const file of positionals) {
    const sequence = new Sequence(folder, programs);
    try {
      for (const one of JSON.parse(readFileSync(file, 'utf8')) as Step[]) await sequence.take(one);
      const wrong = await sequence.finish();
      if (wrong.length > 0) {
        good = false;
        keepSeen(basename(file, '.json'), [...wrong, ...sequence.seen]);
      }
      console.log(
        `chaos: real, ${basename(file)}: ${wrong.length === 0 ? 'as it should be' : wrong.join('\n')}`,
      );
    } finally {
      await sequence.close();
    }
  }
  return good;
}
