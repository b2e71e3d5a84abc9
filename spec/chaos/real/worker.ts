// Runs in a PID namespace of its own (main.ts starts it there): a waiter looks at all Puppets that it can see, and no other test's may be among them.
//
//   node spec/chaos/real/worker.ts --seed N --sequences N [--keep FOLDER] [--whole] [FILE…]
//
// --whole: a sequence that fails is shown as it is, and not shrunk. With files: tells those sequences again, instead of new ones.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { Command } from './command.ts';
import { twoPrograms } from './place.ts';
import { Sequence } from './sequence.ts';
import { type Step, step } from './steps.ts';

const { values, positionals } = parseArgs({
  options: {
    seed: { type: 'string' },
    sequences: { type: 'string' },
    keep: { type: 'string' },
    whole: { type: 'boolean' },
  },
  allowPositionals: true,
});

if (existsSync('/run/systemd')) execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/run/systemd']);
const folder = mkdtempSync(join(tmpdir(), 'again-chaos-'));
try {
  const programs = twoPrograms(folder);
  process.exitCode = positionals.length > 0 ? await again(programs) : await anew(programs);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function anew(programs: [string, string]): Promise<number> {
  const [seed, numRuns] = [Number(values.seed), Number(values.sequences)];
  const lengths: number[] = [];
  const commands = fc.commands([step.map((one) => new Command(one))], { size: '+1', maxCommands: 20 });
  const property = fc.asyncProperty(commands, async (steps) => {
    const sequence = new Sequence(folder, programs);
    try {
      await fc.asyncModelRun(() => ({ model: { disabled: false, full: false }, real: sequence }), steps);
      lengths.push(sequence.length);
      const wrong = await sequence.finish();
      if (wrong.length > 0) throw new Error(wrong.join('\n'));
    } finally {
      await sequence.close();
    }
  });
  const details = await fc.check(property, {
    seed,
    numRuns,

    endOnFailure: values.whole ?? false,
    interruptAfterTimeLimit: 3_600_000,
  });
  const median = lengths.sort((a, b) => a - b)[Math.floor(lengths.length / 2)] ?? 0;
  console.log(`real: seed ${seed}: ${details.numRuns} sequences, median of ${median} commands`);
  if (!details.failed) return 0;
  const steps = [...(details.counterexample?.[0] ?? [])].map((one) => (one as Command).step);
  console.log(
    `real: seed ${seed}: ${(details.errorInstance as Error | undefined)?.message}\n${steps.map((one) => JSON.stringify(one)).join('\n')}`,
  );
  if (values.keep !== undefined) {
    mkdirSync(values.keep, { recursive: true });
    const path = join(values.keep, `seed-${seed}.json`);
    writeFileSync(path, `${JSON.stringify(steps, null, 1)}\n`);
    console.log(`real: kept as ${path}`);
  }
  return 1;
}

/** Tells kept sequences again. */
async function again(programs: [string, string]): Promise<number> {
  let failed = 0;
  for (const file of positionals) {
    const sequence = new Sequence(folder, programs);
    try {
      for (const one of JSON.parse(readFileSync(file, 'utf8')) as Step[]) await sequence.take(one);
      const wrong = await sequence.finish();
      if (wrong.length > 0) failed += 1;
      console.log(`real: ${basename(file)}: ${wrong.length === 0 ? 'as it should be' : wrong.join('\n')}`);
    } finally {
      await sequence.close();
    }
  }
  return failed > 0 ? 1 : 0;
}
