import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { fromText } from '../../../src/os/bytes.ts';
import { type ProcessId, readStat } from '../../../src/os/process.ts';
import type { Run } from '../../../src/puppet/run.ts';
import { restoreOpenFiles } from '../../../src/repeat/limit.ts';
import { enterSurroundings, isMomentary } from '../../../src/repeat/surroundings.ts';
import { temporaryFolder } from '../state/temporary.ts';
import { refusalOf } from '../thrown.ts';

const before = process.cwd();
afterEach(() => process.chdir(before));

function runOf(id: ProcessId): Run {
  const base = {
    process: id,
    source: id,
    executable: fromText('/bin/cat'),
    argv: [],
    prefix: 0,
    arguments: [],
  };
  return { ...base, mode: 'agent' };
}

describe('what a rerun shares with its run', () => {
  test('is read from the living process: environment, umask, limit, signals; and this process goes to its directory', async () => {
    const cwd = realpathSync(temporaryFolder());
    const script = 'umask 0077; ulimit -Sn 100; ulimit -Hn 200; trap "" HUP; exec cat';
    const child = spawn('/bin/sh', ['-c', script], {
      cwd,
      env: { B: '1', A: 'ü=\n' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    // An answer shows that it is `cat`: while a process becomes another program, the kernel shows no environment of it.
    child.stdin.write('ready');
    await once(child.stdout, 'data');
    const pid = child.pid as number;
    const found = enterSurroundings(runOf({ pid, start: readStat(pid)?.start ?? 0 }));
    expect(process.cwd()).toBe(cwd);
    expect(found).toMatchObject({ umask: 0o077, openFiles: { soft: 100, hard: 200 }, blockedSignals: '0' });
    expect(BigInt(`0x${found.ignoredSignals}`) & 1n).toBe(1n);
    expect(found.environment).toEqual(expect.arrayContaining([fromText('B=1'), fromText('A=ü=\n')]));
    child.stdin.end();
    await once(child, 'exit');
  });

  test('is a refusal in one sentence where the run is gone', () => {
    const gone = runOf({ pid: 2 ** 22 + 1, start: 1 });
    expect(refusalOf(() => enterSurroundings(gone))).toMatch(
      /^the Puppet run \(pid 4194305\) cannot be inspected: ENOENT.*[^\n]$/,
    );
  });
});

test.each([
  ['all of them, while Ruby starts a process', 0xfffffffe7ffbfeffn, true],
  ['none', 0n, false],
  ['SIGUSR2', 1n << 11n, false],
  ['SIGHUP, SIGTERM and SIGCHLD', 0x14001n, false],
])('blocked signals that are seen for a moment only: %s', (_, blocked, momentary) => {
  expect(isMomentary(blocked)).toBe(momentary);
});

describe('the limit of open files', () => {
  test.each<[string, Parameters<typeof restoreOpenFiles>[0], boolean]>([
    ['that is not known is left to Ruby', undefined, false],
    ['that Node did not change needs nothing', { soft: 1024, hard: 1024 }, true],
    ['without bounds needs nothing', { soft: undefined, hard: undefined }, true],
    ['that is too small for Node is left to Ruby', { soft: 63, hard: 1024 }, false],
    ['that this process may not have is left to Ruby', { soft: 2 ** 50, hard: 2 ** 51 }, false],
  ])('%s', async (_, limit, expected) => {
    expect(restoreOpenFiles(limit)).toBe(expected);
  });
});
