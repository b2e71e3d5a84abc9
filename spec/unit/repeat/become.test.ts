import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Bytes, fromBuffer, fromText, splitAtNul, toBuffer } from '../../../src/os/bytes.ts';
import { parseOpenFilesLimit } from '../../../src/os/limits.ts';
import { WITHOUT_REALTIME_SIGNALS } from '../../../src/os/signals.ts';
import { parseStatus } from '../../../src/os/status.ts';
import type { Rerun } from '../../../src/repeat/rerun.ts';
import type { Surroundings } from '../../../src/repeat/surroundings.ts';
import { temporaryFolder } from '../state/temporary.ts';

const WORKER = new URL('become.worker.ts', import.meta.url).pathname;
const RUBY = '/usr/bin/ruby';
const SIGHUP = 1n << 0n;
const SIGPIPE = 1n << 12n;
const SIGTERM = 1n << 14n;
const SIGXFSZ = 1n << 24n;

/** The rerun by its own /proc. */
interface Seen {
  readonly pid: number;
  readonly argv: readonly Bytes[];
  readonly environment: readonly Bytes[];
  readonly status: NonNullable<ReturnType<typeof parseStatus>>;
  readonly openFiles: ReturnType<typeof parseOpenFilesLimit>;
  /** `NUMBER -> TARGET` of each descriptor. */
  readonly descriptors: readonly string[];
}

/**
 * Stands in for Puppet's Ruby: called with the arguments by which `again` makes Ruby do what Node can't, it is that Ruby; called with
 * anything else, it writes down what it is.
 */
const PROBE = `#!/bin/bash
cd "\${0%/*}"
if [ "$1" = --disable=gems ]; then exec ${RUBY} $(cat ruby.options 2>/dev/null) "$@"; fi
for file in cmdline environ limits; do cat /proc/$$/$file > seen.$file; done
ls -l /proc/$$/fd > seen.fd
echo "to the log"
echo "errors too" >&2
# bash has signals of its own, and gives the program that it becomes those that it was given.
exec cat /proc/self/status > seen.status
`;

const surroundings: Surroundings = {
  environment: [],
  umask: 0o027,
  openFiles: { soft: 1000, hard: 2000 },
  ignoredSignals: '0',
  blockedSignals: '0',
};

interface Expected {
  readonly argv?: readonly Bytes[];
  readonly environment?: readonly Bytes[];
  readonly surroundings?: Partial<Surroundings>;
  readonly limitRestored?: boolean;
  /** Name of the probe's file. */
  readonly file?: Bytes;
  /** Whether argv[0] is that file, as it is for Puppet's Ruby. */
  readonly named?: boolean;
  /** Ruby to be loaded by that Ruby first. */
  readonly prelude?: string;
  /** Whether the process ignores real-time signals from its start, as a waiter does. */
  readonly waiter?: boolean;
}

/** Starts a process with the limits of a run, has it become the probe, and reads what that saw. */
async function rerun(changes: Expected): Promise<{ seen: Seen; pid: number | undefined; log: string }> {
  const dir = temporaryFolder();
  const file = fromText(`${dir}/${changes.file === undefined ? 'probe' : ''}`) + (changes.file ?? '');
  writeFileSync(toBuffer(file as Bytes), PROBE, { mode: 0o755 });
  if (changes.prelude !== undefined) {
    writeFileSync(join(dir, 'prelude.rb'), changes.prelude);
    writeFileSync(join(dir, 'ruby.options'), `-r${join(dir, 'prelude.rb')}`);
  }
  const log = join(dir, 'log');
  writeFileSync(log, 'before\n');
  const plan: Rerun = {
    executable: file as Bytes,
    argv: changes.named ? [file as Bytes, ...(changes.argv ?? []).slice(1)] : (changes.argv ?? []),
    environment: changes.environment ?? [],
    surroundings: { ...surroundings, ...changes.surroundings },
    limitRestored: changes.limitRestored ?? true,
    log,
  };
  writeFileSync(join(dir, 'plan'), JSON.stringify(plan));
  const worker = ['prlimit', '--nofile=1000:2000', process.execPath, WORKER, join(dir, 'plan')];
  const script = changes.waiter ? WITHOUT_REALTIME_SIGNALS : 'exec "$@"';
  const child = spawn('/bin/sh', ['-c', script, 'sh', ...worker], {
    cwd: '/usr',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      output += data;
    });
  await once(child, 'close');
  const read = (name: string) => {
    if (!existsSync(join(dir, `seen.${name}`)))
      throw new Error(
        `it did not become the probe: ${output}${readFileSync(log, 'utf8')} ${readdirSync(dir)}`,
      );
    return fromBuffer(readFileSync(join(dir, `seen.${name}`)));
  };
  const status = parseStatus(read('status'));
  if (!status) throw new Error('no status');
  return {
    pid: child.pid,
    log: readFileSync(log, 'utf8'),
    seen: {
      pid: Number(/^Pid:\s*(\d+)/m.exec(read('status'))?.[1]),
      argv: splitAtNul(read('cmdline')),
      environment: splitAtNul(read('environ')),
      status,
      openFiles: parseOpenFilesLimit(read('limits')),
      descriptors: [...read('fd').matchAll(/ (\d+) -> (.*)$/gm)]
        // bash has its script open as 255.
        .filter(([, number, target]) => number !== '255' && !isInherited(number, target))
        .map(([, number, target]) => `${number} -> ${target}`),
    },
  };
}

/** Whether this process itself has the same descriptor: the process that started the tests has left it open. */
function isInherited(number = '', target = ''): boolean {
  try {
    return Number(number) > 2 && readlinkSync(`/proc/self/fd/${number}`) === target;
  } catch {
    return false;
  }
}

/** The kernel starts a script as `/bin/bash FILE …` and drops argv[0]. */
const argumentsOf = (seen: Seen) => seen.argv.slice(2);

beforeAll(() => {
  if (!existsSync(RUBY)) throw new Error('these tests need Ruby at /usr/bin/ruby');
});

const odd = ['puppet', '', 'a b', 'a\nb', '--x=y=z', '\xc3\xa9', '\'"$(x)`'] as Bytes[];

describe.concurrent("Node's own way (needs prlimit)", { timeout: 60_000 }, () => {
  test('same pid, arguments, environment in its order, umask, limit; signals as from a shell; the log on 1 and 2', async () => {
    const environment = ['Z=1', 'A=b=c\nd', 'EMPTY=', '\xc3\xa9=\xc3\xa9'] as Bytes[];
    const { seen, pid, log } = await rerun({ argv: odd, environment });
    expect(seen.pid).toBe(pid);
    expect(argumentsOf(seen)).toEqual(odd.slice(1));
    expect(seen.environment).toEqual(environment);
    expect(seen.openFiles).toEqual({ soft: 1000, hard: 2000 });
    expect(seen.status).toMatchObject({ umask: 0o027, ignoredSignals: 0n, blockedSignals: 0n });
    expect(seen.descriptors).toEqual([
      '0 -> /dev/null',
      expect.stringMatching(/^1 -> .*\/log$/),
      expect.stringMatching(/^2 -> .*\/log$/),
    ]);
    expect(log).toBe('before\nto the log\nerrors too\n');
  });

  test('what Node ignores itself stays ignored where the run ignores it', async () => {
    const ignored = SIGPIPE | SIGXFSZ;
    const { seen } = await rerun({ argv: odd, surroundings: { ignoredSignals: ignored.toString(16) } });
    expect(seen.status.ignoredSignals).toBe(ignored);
  });
});

describe.concurrent('of a waiter, which ignores real-time signals (needs prlimit, and Ruby or env of coreutils 8.31)', {
  timeout: 60_000,
}, () => {
  const environment = ['Z=1', 'A=b=c\nd', 'EMPTY=', '\xc3\xa9=\xc3\xa9'] as Bytes[];
  test.for<[string, boolean]>([
    ['as Puppet is, argv[0] is its file (by env)', true],
    ['argv[0] is another word (by Ruby)', false],
  ])('the rerun ignores no signal: %s', async ([, named]) => {
    const { seen, pid } = await rerun({ argv: odd, environment, named, waiter: true });
    expect(seen.pid).toBe(pid);
    expect(argumentsOf(seen)).toEqual(odd.slice(1));
    expect(seen.environment).toEqual(environment);
    expect(seen.openFiles).toEqual({ soft: 1000, hard: 2000 });
    expect(seen.status).toMatchObject({ umask: 0o027, ignoredSignals: 0n, blockedSignals: 0n });
    expect(seen.descriptors.map((line) => line.split(' ')[0])).toEqual(['0', '1', '2']);
  });

  test('the rerun has what its run ignored and blocked', async () => {
    const ignored = SIGHUP | SIGPIPE | (1n << 39n);
    const blocked = SIGTERM | SIGXFSZ | (1n << 63n);
    const { seen } = await rerun({
      argv: odd,
      named: true,
      waiter: true,
      surroundings: { ignoredSignals: ignored.toString(16), blockedSignals: blocked.toString(16) },
    });
    expect(seen.status).toMatchObject({ ignoredSignals: ignored, blockedSignals: blocked });
  });
});

describe.concurrent('by way of Ruby (needs Ruby)', { timeout: 60_000 }, () => {
  test('arguments and variables that no text can hold; nothing of its own is left', async () => {
    const argv = [...odd, 'caf\xe9', 'x'.repeat(131_000)] as Bytes[];
    const environment = [
      'A=\xff\xfe', // not UTF-8
      '\xe9=1',
      'B=1', // there three times
      'B=2',
      'B=1',
      'NAKED', // without `=`
      '=x', // without a name
      '9=x', // digits, which objects would put first
      '1=y',
      `LONG=${'y'.repeat(131_000)}`,
      'RUBYOPT=--nonsense', // for the rerun's Ruby alone
      'RUBYLIB=/x',
      'AGAIN_ARGV_0=mine', // what that Ruby is told its task by
      'AGAIN_IGNORED=7',
    ] as Bytes[];
    const { seen, pid } = await rerun({ argv, environment });
    expect(seen.pid).toBe(pid);
    expect(argumentsOf(seen)).toEqual(argv.slice(1));
    expect(seen.environment).toEqual(environment);
    expect(seen.openFiles).toEqual({ soft: 1000, hard: 2000 });
    expect(seen.status).toMatchObject({ umask: 0o027, ignoredSignals: 0n, blockedSignals: 0n });
    expect(seen.descriptors.map((line) => line.split(' ')[0])).toEqual(['0', '1', '2']);
  });

  const NO_SYSCALL = 'Kernel.undef_method(:syscall); Kernel.singleton_class.undef_method(:syscall)\n';

  test('of a Ruby without Kernel#syscall, by Fiddle', async () => {
    const ignored = SIGHUP | SIGPIPE | (1n << 39n);
    const blocked = SIGTERM | SIGXFSZ | (1n << 63n);
    const argv = [...odd, 'caf\xe9'] as Bytes[];
    const environment = ['A=\xff\xfe', 'B=1', 'B=2', 'NAKED'] as Bytes[];
    const { seen, pid, log } = await rerun({
      argv,
      environment,
      prelude: NO_SYSCALL,
      surroundings: { ignoredSignals: ignored.toString(16), blockedSignals: blocked.toString(16) },
    });
    expect(log).toBe('before\nto the log\nerrors too\n');
    expect(seen.pid).toBe(pid);
    expect(argumentsOf(seen)).toEqual(argv.slice(1));
    expect(seen.environment).toEqual(environment);
    expect(seen.openFiles).toEqual({ soft: 1000, hard: 2000 });
    expect(seen.status).toMatchObject({ umask: 0o027, ignoredSignals: ignored, blockedSignals: blocked });
    expect(seen.descriptors.map((line) => line.split(' ')[0])).toEqual(['0', '1', '2']);
  });

  test('of a Ruby with neither of them: the log says so', async () => {
    const prelude = `${NO_SYSCALL}
module Kernel
  alias_method :require_anything, :require
  def require(name) = name == 'fiddle' ? raise(LoadError, name) : require_anything(name)
end
`;
    await expect(rerun({ argv: ['puppet', '\xff'] as Bytes[], prelude })).rejects.toThrow(
      'again: the command cannot be repeated as it was: this Ruby has neither Kernel#syscall nor the library fiddle',
    );
  });

  test('a megabyte of arguments, and a limit that Node could not set', async () => {
    const argv = ['puppet', '\xff', ...Array.from({ length: 10 }, () => 'x'.repeat(100_000))] as Bytes[];
    const openFiles = { soft: 30, hard: 1500 };
    const { seen } = await rerun({ argv, limitRestored: false, surroundings: { openFiles } });
    expect(argumentsOf(seen)).toEqual(argv.slice(1));
    expect(seen.environment).toEqual([]);
    expect(seen.openFiles).toEqual(openFiles);
  });

  test('signals that the run ignores or blocks, real-time ones too', async () => {
    const ignored = SIGHUP | SIGPIPE | (1n << 39n);
    const blocked = SIGTERM | SIGXFSZ | (1n << 63n);
    const { seen } = await rerun({
      argv: odd,
      surroundings: { ignoredSignals: ignored.toString(16), blockedSignals: blocked.toString(16) },
    });
    expect(seen.status).toMatchObject({ ignoredSignals: ignored, blockedSignals: blocked });
    expect(argumentsOf(seen)).toEqual(odd.slice(1));
  });

  test('is refused for an interpreter whose own path is not UTF-8', async () => {
    await expect(rerun({ argv: odd, file: 'caf\xe9' as Bytes })).rejects.toThrow('is not UTF-8');
  });
});

test.concurrent.for<[string, string]>([
  ["by Node's own way", 'x'],
  ['by way of Ruby', '\xff'],
])('argv[0] is what the run had, not the file: %s (needs Ruby)', { timeout: 60_000 }, async ([, extra]) => {
  const dir = temporaryFolder();
  writeFileSync(join(dir, 'probe.rb'), `File.binwrite('${dir}/seen', File.binread('/proc/self/cmdline'))\n`);
  const argv = ['/usr/bin/my-ruby', '--disable=gems', join(dir, 'probe.rb'), extra] as Bytes[];
  const plan: Rerun = {
    executable: fromText(RUBY),
    argv,
    environment: [],
    surroundings: { ...surroundings, openFiles: { soft: 2000, hard: 2000 } },
    limitRestored: true,
    log: join(dir, 'log'),
  };
  writeFileSync(plan.log, '');
  writeFileSync(join(dir, 'plan'), JSON.stringify(plan));
  const words = ['--nofile=2000:2000', process.execPath, WORKER, join(dir, 'plan')];
  await once(spawn('prlimit', words, { stdio: 'ignore' }), 'exit');
  expect(splitAtNul(fromBuffer(readFileSync(join(dir, 'seen'))))).toEqual(argv);
});
