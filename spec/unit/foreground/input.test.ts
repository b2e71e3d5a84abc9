import { execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { becomesDaemon, keepInput, manifestDescriptor } from '../../../src/foreground/input.ts';
import { commOf, withDescendants } from '../../../src/os/process.ts';
import { temporaryFolder } from '../state/temporary.ts';

describe('where a command has its manifest from', () => {
  test.each([
    ['puppet apply', 0],
    ['/opt/puppetlabs/bin/puppet apply --noop', 0],
    ['ruby /usr/bin/puppet apply', 0],
    ['puppet apply /dev/stdin', 0],
    ['puppet apply --catalog -', 0],
    ['puppet apply /proc/self/fd/0', 0],
    ['puppet apply /dev/fd/63', 63],
    ['puppet apply site.pp', undefined],
    ['puppet apply -e true', undefined],
    ['puppet apply --catalog x.json', undefined],
    ['puppet agent --test', undefined],
    ['flock lock puppet apply', undefined],
    ['sh -c puppet', undefined],
    ['true', undefined],
  ])('%s: descriptor %s', (line, descriptor) => {
    expect(manifestDescriptor(line.split(' '))).toBe(descriptor);
  });
});

describe('what becomes a daemon', () => {
  test.each([
    ['puppet agent', true],
    ['puppet agent --onetime', true],
    ['puppet agent --no-daemonize', true],
    ['puppet agent --verbose --no-daemonize', true],
    ['flock lock /usr/bin/puppet agent', true],
    ['puppet agent --onetime --no-daemonize', false],
    ['puppet agent -t', false],
    ['puppet agent --test --noop', false],
    ['puppet agent --disable because', false],
    ['puppet agent --fingerprint', false],
    ['puppet apply site.pp', false],
    ['puppet agent --onetime --no-daemonize --daemonize', true],
    ['sh agent', false],
  ])('%s: %s', (line, is) => {
    expect(becomesDaemon(line.split(' '))).toBe(is);
  });

  test.each([
    ['', 'onetime = true\ndaemonize = false', false],
    ['--no-daemonize', 'onetime = true', false],
    ['--onetime', 'daemonize = false', false],
    ['', 'onetime = true', true],
    ['', 'daemonize = false', true],
    ['--daemonize', 'onetime = true\ndaemonize = false', true],
    ['--no-onetime', 'onetime = true\ndaemonize = false', true],
  ])('puppet agent %s, and in puppet.conf %j: %s', (words, settings, is) => {
    const confdir = temporaryFolder();
    writeFileSync(join(confdir, 'puppet.conf'), `[agent]\n${settings}\n`);
    const line = `puppet agent --confdir ${confdir} ${words}`.trim();
    expect(becomesDaemon(line.split(' '))).toBe(is);
  });
});

describe('an input that is kept', () => {
  const origin = { ignored: [], openFiles: undefined, descriptors: [] };

  /** A pipe to which a command line of sh writes. */
  function pipeFrom(line: string): number {
    const path = join(temporaryFolder(), 'pipe');
    execFileSync('mkfifo', [path]);
    const writer = spawn('sh', ['-c', `exec >"$0"; ${line}`, path], { stdio: 'ignore' });
    const descriptor = openSync(path, 'r');
    onTestFinished(() => {
      writer.kill('SIGKILL');
      closeSync(descriptor);
    });
    return descriptor;
  }
  const readers = () => withDescendants(process.pid).filter((pid) => commOf(pid) === 'cat');
  const never = new AbortController().signal;
  const kept = async (descriptor: number) => {
    const open = await keepInput(descriptor, origin, never);
    return [1, 2].map(() => readFileSync(open?.() ?? -1, 'utf8'));
  };
  const blocks = (descriptor: number) =>
    !/^flags:\s+\d*[4-7]\d{3}$/m.test(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'));

  test('is read to its end, and then each time from its beginning', async () => {
    expect(await kept(pipeFrom('echo one; sleep 0.2; echo two'))).toEqual(['one\ntwo\n', 'one\ntwo\n']);
  });

  test('of a file is what has not been read yet', async () => {
    const path = join(temporaryFolder(), 'file');
    writeFileSync(path, 'one\ntwo\n');
    const descriptor = openSync(path, 'r');
    readSync(descriptor, Buffer.alloc(4));
    expect(await kept(descriptor)).toEqual(['two\n', 'two\n']);
    closeSync(descriptor);
  });

  test('does not end, and is given up: it is left as it was, and nothing reads it any more', async () => {
    const descriptor = pipeFrom('echo one; exec sleep 1000');
    const controller = new AbortController();
    const reading = keepInput(descriptor, origin, controller.signal);
    await expect.poll(readers).toHaveLength(1);
    expect(blocks(descriptor)).toBe(true);
    controller.abort();
    expect(await reading).toBeUndefined();
    expect(readers()).toEqual([]);
    expect(blocks(descriptor)).toBe(true);
  });

  test('a signal that was ignored does not end the reading', async () => {
    const descriptor = pipeFrom('sleep 0.5; echo one');
    const reading = keepInput(descriptor, { ...origin, ignored: [2] }, never);
    await expect.poll(readers).toHaveLength(1);
    for (const pid of readers()) process.kill(pid, 'SIGINT');
    expect(readFileSync((await reading)?.() ?? -1, 'utf8')).toBe('one\n');
  });

  test('that is not there is told', async () => {
    await expect(keepInput(9999, origin, never)).rejects.toThrow(
      /^standard input cannot be kept in \/\S+ \(spawn EBADF\): make room there, /,
    );
  });
});
