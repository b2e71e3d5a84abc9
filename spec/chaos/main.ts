// npm run chaos: random sequences of all that can happen, on the pure decisions with a simulated clock, and on the real launcher and an instrumented executable.
//
//   node spec/chaos/main.ts [--short] [--seed N] [--pure N] [--real N] [--minutes N] [--keep FOLDER]
//
// --pure and --real say how many sequences there are (200000 and 2000; --short: 4000 of one seed, and the kept ones). --minutes: ends the real ones after that time, 70 by default; fewer than there were
// to be is a failure. The seed is printed; a sequence that fails is shrunk, printed, and kept in a folder (default: spec/chaos/kept; pure ones in `pure` below it), from
// which every later run tells it again.

import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Failure, readVersion, root, run } from '../../scripts/project.mjs';

/** Real sequences at a time: most of the time they wait. */
const WORKERS = 3;

/** A namespace of processes, with its own /proc, and of mounts: the shell is its first process, and reaps what others leave to it. It ends with `unshare`. */
const PRIVATE = ['--pid', '--fork', '--kill-child', '--mount', '--mount-proc', '--'];

/** Where chaos is told to end, so are the workers. `unshare` ignores all signals of that kind but SIGKILL, which takes all that is in its namespace with it. */
const going = new Set<ChildProcess>();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    for (const child of going) child.kill('SIGKILL');
    process.exit(128 + constants.signals[signal]);
  });

await run('chaos', async (args: string[]) => {
  const { values } = parseArgs({
    args,
    options: {
      short: { type: 'boolean', default: false },
      seed: { type: 'string' },
      pure: { type: 'string' },
      real: { type: 'string' },
      minutes: { type: 'string', default: '70' },
      keep: { type: 'string', default: join(root, 'spec/chaos/kept') },
    },
  });
  const [seed, pure, real, minutes] = [
    // The short form, a part of every `npm test`, tells the same sequences each time.
    values.seed ?? (values.short ? '1' : Date.now() % 1_000_000_000),
    values.pure ?? (values.short ? '4000' : '200000'),
    values.real ?? (values.short ? '0' : '2000'),
    values.minutes,
  ].map(Number) as [number, number, number, number];
  if (![seed, pure, real, minutes].every((value) => Number.isSafeInteger(value) && value >= 0))
    throw new Failure('--seed, --pure, --real and --minutes take a number', 64);
  if ((real > 0 || values.short) && process.getuid?.() !== 0)
    throw new Failure('needs root, for namespaces and small disks; `--real 0` needs none');
  console.log(`chaos: seed ${seed}`);
  // The build puts this in: see src/os/version.ts.
  Object.assign(globalThis, { AGAIN_VERSION: readVersion() });
  const { checkModel } = await import('./pure/check.ts');
  checkModel(seed, pure, { folder: join(values.keep, 'pure') });
  const kept = readKept(values.keep);
  // The short form tells those again that have failed once; new ones, on a machine that is as busy as it likes, are for a run of their own.
  if (values.short && real === 0 && (await work(kept)) !== 0)
    throw new Failure('a kept sequence has failed; it is shown above');
  if (real === 0) return;
  const share = Math.ceil(real / WORKERS);
  const ends = await Promise.all(
    Array.from({ length: WORKERS }, (_, n) => {
      const options = ['--seed', String(seed + n), '--sequences', String(share)];
      return work([
        ...options,
        '--minutes',
        String(minutes),
        '--keep',
        values.keep,
        ...(n === 0 ? kept : []),
      ]);
    }),
  );
  if (ends.some((status) => status !== 0)) throw new Failure('a sequence has failed; it is shown above');
});

function readKept(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** Has a worker do its share, in namespaces of its own; what it leaves there ends with it. */
function work(args: readonly string[]): Promise<number | null> {
  const worker = [process.execPath, join(root, 'spec/chaos/real/worker.ts'), ...args];
  const child = spawn('unshare', [...PRIVATE, '/bin/bash', '-c', '"$@"; exit $?', 'bash', ...worker], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  going.add(child);
  child.once('exit', () => going.delete(child));
  return new Promise((resolve) => child.on('error', () => resolve(1)).on('exit', resolve));
}
