import { spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { fromText } from '../../src/os/bytes.ts';
import { SYSTEMD_CAT } from '../../src/os/journal-stream.ts';
import { parseStatus } from '../../src/os/status.ts';
import type { Rerun } from '../../src/repeat/rerun.ts';
import { temporaryFolder } from '../unit/state/temporary.ts';

vi.setConfig({ testTimeout: 60_000 });

// A socket of its own at the journal's place needs a mount namespace.
beforeAll(() => {
  if (process.getuid?.() !== 0) throw new Error('these tests need root: they mount something over /run');
});

const WORKER = new URL('../unit/repeat/become.worker.ts', import.meta.url).pathname;

/** Stands in for journald: takes one stream to its end. */
const JOURNAL = `server = UNIXServer.new('/run/systemd/journal/stdout')
File.write(ARGV[0], server.accept.read)
`;

/** Stands in for Puppet's Ruby, as in spec/unit/repeat/become.test.ts. */
const PROBE = `#!/bin/bash
cd "\${0%/*}"
if [ "$1" = --disable=gems ]; then exec /usr/bin/ruby "$@"; fi
cat /proc/$$/environ > seen.environ
cat /proc/$$/limits > seen.limits
ls -l /proc/$$/fd > seen.fd
echo $$ > seen.pid
echo "<3>to the journal"
echo "errors too" >&2
exec cat /proc/self/status > seen.status
`;

const SURROUNDINGS = {
  environment: [],
  umask: 0o022,
  openFiles: { soft: 1000, hard: 2000 },
  ignoredSignals: (1n << 12n).toString(16), // SIGPIPE
  blockedSignals: (1n << 11n).toString(16), // SIGUSR2
};

/** Has a process become the probe by the machine's own systemd-cat, with a journal or without one. */
function rerun({ limitRestored, journal }: { limitRestored: boolean; journal: boolean }) {
  const dir = temporaryFolder();
  const file = (name: string, content: string, mode?: number) => {
    writeFileSync(join(dir, name), content, { mode: mode ?? 0o644 });
    return join(dir, name);
  };
  const probe = fromText(file('probe', PROBE, 0o755));
  const plan: Rerun = {
    executable: probe,
    argv: [probe, fromText('a b')],
    environment: ['A=1', 'SYSTEMD_LOG_LEVEL=err'].map(fromText),
    surroundings: SURROUNDINGS,
    limitRestored,
    log: file('log', ''),
    journal: SYSTEMD_CAT,
  };
  const script = `mount -t tmpfs tmpfs /run
if [ "$1" = true ]; then
  mkdir -p /run/systemd/journal
  ruby -rsocket "$2" "$3" &
  until [ -S /run/systemd/journal/stdout ]; do sleep 0.02; done
fi
shift 3
prlimit --nofile=1000:2000 "$@" & echo $! > "$0"
wait`;
  const words = [
    join(dir, 'pid'),
    String(journal),
    file('journal.rb', JOURNAL),
    join(dir, 'stream'),
    process.execPath,
    WORKER,
    file('plan', JSON.stringify(plan)),
  ];
  const { stderr } = spawnSync(
    'unshare',
    ['--mount', '--propagation', 'private', 'bash', '-c', script, ...words],
    {
      encoding: 'utf8',
    },
  );
  expect(stderr).toBe('');
  return (name: string) => readFileSync(join(dir, name), 'utf8');
}

/** Whether this process itself has the same descriptor. */
function isInherited(number = '', target = ''): boolean {
  try {
    return Number(number) > 2 && readlinkSync(`/proc/self/fd/${number}`) === target;
  } catch {
    return false;
  }
}

describe.each([
  ['env', true],
  ['Ruby', false],
] as const)('a rerun by way of systemd-cat and %s', (_, limitRestored) => {
  test('has the journal as its output, and is otherwise as without it', () => {
    const read = rerun({ limitRestored, journal: true });
    // Identifier, unit, priority, level prefix, and three that forward: as sd_journal_stream_fd(3) begins a stream.
    expect(read('stream')).toBe('puppet-again\n\n6\n0\n0\n0\n0\n<3>to the journal\nerrors too\n');
    expect(read('log')).toBe('');
    expect(read('seen.pid')).toBe(read('pid'));
    expect(read('seen.environ')).toBe('A=1\0SYSTEMD_LOG_LEVEL=err\0');
    expect(read('seen.limits')).toMatch(/^Max open files +1000 +2000 /m);
    const status = parseStatus(read('seen.status'));
    expect(status?.ignoredSignals.toString(16)).toBe(SURROUNDINGS.ignoredSignals);
    expect(status?.blockedSignals.toString(16)).toBe(SURROUNDINGS.blockedSignals);
    const descriptors = [...read('seen.fd').matchAll(/ (\d+) -> (.*)$/gm)]
      // 255 is bash's own, for its script; and the process that started the tests may have left some open.
      .filter(([, number, target]) => number !== '255' && !isInherited(number, target))
      .map(([, number, target]) => `${number} ${target}`);
    const socket = (number: number) => expect.stringMatching(new RegExp(`^${number} socket:`));
    expect(descriptors).toEqual(['0 /dev/null', socket(1), socket(2)]);
  });

  test('says in the log where the journal is gone', () => {
    expect(rerun({ limitRestored, journal: false })('log')).toMatch(/^Failed to create stream fd: .+\n$/);
  });
});
