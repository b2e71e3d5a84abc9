import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { until } from '../support/wait.ts';
import { temporaryFolder } from '../unit/state/temporary.ts';

// Each looks at all processes of a machine that others may keep busy.
vi.setConfig({ testTimeout: 60_000 });

// Only root can give a process another root folder.
beforeAll(() => {
  if (process.getuid?.() !== 0)
    throw new Error('these tests need root: they mount, and change a root folder');
});

const shells: readonly (readonly [string, ...string[]])[] = [
  ['dash'],
  ['bash', '--posix'],
  ['busybox', 'sh'],
  ['ksh'],
];

/** Runs it as `Exec['common::again remove']` does: out of a variable, with the folder and the links as arguments. */
async function remove(shell: readonly string[], ...args: string[]) {
  const [program = '', ...options] = shell;
  const words = [...options, '-c', `eval "\${AGAIN_REMOVE:?}"`, 'again', ...args];
  const child = spawn(program, words, {
    env: { AGAIN_REMOVE: readFileSync('files/again/remove', 'utf8'), PATH: '/bin:/usr/bin' },
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => (said.stdout += data));
  child.stderr.on('data', (data) => (said.stderr += data));
  const [status] = await once(child, 'close');
  return { status, ...said };
}

/** The arguments that it is started with. */
const WAITER = ['-e', 'sleep 600', '--', '--parent', '1'];
const QUOTED_WAITER = `-e 'sleep 600' -- --parent 1`;

/** A folder of `again` whose name needs quotes. What stands in for a waiter is Perl under that name, with an argument of one. */
function place(): string {
  const folder = join(temporaryFolder(), 'our again');
  mkdirSync(join(folder, 'state/commands'), { recursive: true });
  copyFileSync('/usr/bin/perl', join(folder, 'again'));
  return folder;
}

/** Starts a waiter, which is ended with the test at the latest. */
async function startWaiter(folder: string, program = join(folder, 'again'), ...args: string[]) {
  const child = spawn(program, args.length > 0 ? args : WAITER, { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const isNamed = () => readFileSync(`/proc/${child.pid}/comm`, 'utf8') === 'again\n';
  await until('a waiter by its name', async () => isNamed());
  return child;
}

const ended = async (child: ChildProcess) => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.signalCode;
};

/** Puts a program in the place of the executable, as an update does: running processes continue. */
function update(folder: string, script: string): void {
  writeFileSync(join(folder, '.new'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  renameSync(join(folder, '.new'), join(folder, 'again'));
}

describe.each(shells)('the removal, by %s', (...shell) => {
  test('cancels, waits until the waiters have ended, and removes the folder and a link of its own', async () => {
    const folder = place();
    const [own, foreign, file] = ['own', 'foreign', 'file'].map((name) => join(folder, '..', name)) as [
      string,
      string,
      string,
    ];
    symlinkSync(join(folder, 'again'), own);
    symlinkSync('/bin/true', foreign);
    writeFileSync(file, '');
    const waiter = await startWaiter(folder);
    update(
      folder,
      `test "$*" = 'cancel --all' || exit 1\necho 'Cancelled: x'\n{ sleep 0.3; kill ${waiter.pid}; } > /dev/null 2>&1 &`,
    );

    expect(await remove(shell, folder, own, foreign, file, join(folder, '../missing'))).toEqual({
      status: 0,
      stdout: 'Cancelled: x\n',
      stderr: '',
    });
    expect(await ended(waiter)).toBe('SIGTERM');
    expect([folder, foreign, file].map((path) => existsSync(path))).toEqual([false, true, true]);
    expect(() => lstatSync(own)).toThrow('ENOENT');
  });

  test('says nothing where nothing was pending', async () => {
    const folder = place();
    update(folder, "echo 'Nothing was pending.'");
    expect(await remove(shell, folder)).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(existsSync(folder)).toBe(false);
  });

  test('has the waiters of an executable that does not start end by SIGTERM', async () => {
    const folder = place();
    const waiters = [await startWaiter(folder), await startWaiter(folder)];
    writeFileSync(join(folder, '.new'), 'no program', { mode: 0o755 });
    renameSync(join(folder, '.new'), join(folder, 'again'));
    expect(await remove(shell, folder)).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(await Promise.all(waiters.map(ended))).toEqual(['SIGTERM', 'SIGTERM']);
    expect(existsSync(folder)).toBe(false);
  });

  test('waits for no program of that name that lies elsewhere, and for no waiter below another root folder', async () => {
    const folder = place();
    const other = await startWaiter(place());
    // As in a container: the same path, another root.
    const root = temporaryFolder();
    const enter = `mount -t tmpfs tmpfs "$1" && cd "$1" && mkdir -p usr tmp old dev && ln -s usr/lib usr/lib64 . &&
mount --bind /usr usr && mount --bind /tmp tmp && mount --bind /dev dev && pivot_root . old && cd / && exec "$2" ${QUOTED_WAITER}`;
    const contained = await startWaiter(
      folder,
      'unshare',
      ...['--mount', '--propagation', 'private', 'sh', '-c', enter, 'sh', root, join(folder, 'again')],
    );
    update(folder, "echo 'Nothing was pending.'");
    expect(await remove(shell, folder)).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(existsSync(folder)).toBe(false);
    expect([other, contained].map(({ exitCode, signalCode }) => exitCode ?? signalCode)).toEqual([
      null,
      null,
    ]);
  });
});

test('the removal does not wait for a command of a person, who may follow this very run', async () => {
  const folder = place();
  const follower = await startWaiter(folder, undefined, '-e', 'sleep 600', '--', 'log', '-f');
  update(folder, "echo 'Nothing was pending.'");
  expect(await remove(['sh'], folder)).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(follower.exitCode ?? follower.signalCode).toBeNull();
});

test('the removal names the waiters that still live after 10 s, and leaves the folder', async () => {
  await Promise.all(
    shells.map(async (shell) => {
      const folder = place();
      const stubborn = await startWaiter(
        folder,
        'sh',
        ...['-c', `trap "" TERM; exec "$1" ${QUOTED_WAITER}`, 'sh', join(folder, 'again')],
      );
      expect(await remove(shell, folder), shell.join(' ')).toEqual({
        status: 1,
        stdout: '',
        stderr: `again: everything that was pending is cancelled, but these waiters have not ended after 10 s: ${stubborn.pid}; end them (kill -9), and run Puppet again\n`,
      });
      expect(existsSync(join(folder, 'state'))).toBe(true);
    }),
  );
});
