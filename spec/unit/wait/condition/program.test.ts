import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { allPids, readStat } from '../../../../src/os/process.ts';
import { hasEnded } from '../../../../src/os/stat.ts';
import { lookByCommand } from '../../../../src/wait/condition/command.ts';
import { type ProgramOptions, runProgram } from '../../../../src/wait/condition/program.ts';
import { temporaryFolder } from '../../state/temporary.ts';

const PATH = '/usr/bin:/bin';

function options(more: Partial<ProgramOptions> = {}): ProgramOptions {
  return { environment: { PATH }, limitMs: 20_000, signal: new AbortController().signal, ...more };
}

/** The name of a variable; a shell hands none on that is no name. */
const newMark = () => `MARK_${process.pid}_${Math.random().toString(36).slice(2)}`;

/** Pids of all processes with this variable in their environment, zombies included by their parent alone. */
function marked(mark: string): number[] {
  return allPids().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark);
    } catch {
      return false;
    }
  });
}

const children = () => allPids().filter((pid) => readStat(pid)?.parent === process.pid);
/** Descriptors of this process that it does not close in what it starts: those with which it was started. */
const inherited = () =>
  readdirSync('/proc/self/fdinfo')
    .filter((number) => {
      try {
        const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${number}`, 'utf8'))?.[1];
        return (Number.parseInt(flags ?? '0', 8) & 0o2000000) === 0; // O_CLOEXEC
      } catch {
        return false;
      }
    })
    .map(Number);
const descriptors = () => readdirSync('/proc/self/fd').length;

describe('a program', () => {
  test.each<[string, string[], object]>([
    ['that ends well', ['true'], { kind: 'exited', code: 0 }],
    ['that does not', ['sh', '-c', 'exit 7'], { kind: 'exited', code: 7 }],
    ['that is killed', ['sh', '-c', 'kill -TERM $$'], { kind: 'killed', by: 'SIGTERM' }],
    ['that is not there', ['/nonexistent'], { kind: 'not started', code: 'ENOENT' }],
    ['that is no program', ['/etc/passwd'], { kind: 'not started', code: 'EACCES' }],
    ['that is a folder', ['/etc'], { kind: 'not started', code: 'EACCES' }],
    ['with too long an argument', ['true', 'x'.repeat(200_000)], { kind: 'not started', code: 'E2BIG' }],
    ['with an argument that cannot be', ['true', 'a\0b'], { kind: 'not started' }],
  ])('%s', async (_, words, end) => {
    expect(await runProgram(words, options())).toMatchObject(end);
  });

  test('that is ended leaves no process that is still dying', async () => {
    for (let round = 0; round < 5; round += 1) {
      const [mark, controller] = [newMark(), new AbortController()];
      // The shell of a chain of shells dies first.
      const words = ['sh', '-c', `sh -c 'sh -c "sleep 600; :"; :'; :`];
      const more = { environment: { PATH, [mark]: '1' }, signal: controller.signal };
      const end = runProgram(words, options(more));
      const isGoing = () => marked(mark).filter((pid) => !hasEnded(readStat(pid))).length;
      await expect.poll(isGoing, { timeout: 20_000, interval: 1 }).toBe(4);
      controller.abort();
      expect(await end).toEqual({ kind: 'ended', because: 'signal' });
      expect(isGoing()).toBe(0);
    }
  });

  test('has nothing to read, nowhere to write, no descriptor of this process, and a session of its own', async () => {
    const folder = temporaryFolder();
    const seen = 'ls -l /proc/self/fd; cat /proc/$$/stat; cat; yes | head --bytes 3000000';
    const words = ['sh', '-c', `{ ${seen}; } > seen 2>&1; yes | head --bytes 3000000`];
    const end = await runProgram(words, options({ directory: folder }));
    expect(end).toMatchObject({ kind: 'exited', code: 0, output: '' });
    const text = readFileSync(join(folder, 'seen'), 'utf8');
    expect(text).toContain('0 -> /dev/null');
    const opened = [...text.matchAll(/ (\d+) -> (\S+)/g)].map(([, number]) => Number(number));
    // 3 is the folder that ls reads. What this process itself was started with is not its own.
    expect(opened.filter((number) => number > 3 && !inherited().includes(number))).toEqual([]);
    const [pid, , , , group, session] = (/^\d+ \(sh\).*$/m.exec(text)?.[0] ?? '').split(' ');
    expect([group, session]).toEqual([pid, pid]);
  });

  test('its output is kept where that is wanted', async () => {
    expect(await runProgram(['echo', 'a b'], options({ output: true }))).toMatchObject({ output: 'a b\n' });
    const much = await runProgram(['sh', '-c', 'yes | head --bytes 3000000'], options({ output: true }));
    expect(much).toMatchObject({
      kind: 'exited',
      code: 0,
      output: expect.toSatisfy((t) => t.length === 65_536),
    });
  });

  test.each([
    ['that sleeps', 'sleep 600'],
    ['that ignores all signals', "trap '' INT TERM HUP; sleep 600 & wait; sleep 600"],
    [
      'with children in sessions of their own',
      'setsid sh -c "sleep 600; :" & setsid setsid sh -c "setsid sleep 600; :" & sleep 600',
    ],
    ['with daemons', 'setsid -f sleep 600; (setsid sleep 600 &) ; sleep 600'],
    ['with children whose parents have ended', '(sleep 600 &); (set -m; sleep 600 & exit); sleep 600'],
    [
      'with children that start children',
      'for i in 1 2 3; do sh -c "sh -c \\"sleep 600; :\\" & sleep 600" & done; wait',
    ],
  ])('%s is ended with all that has come from it, and leaves no zombie', async (_, line) => {
    const mark = newMark();
    const before = children();
    const going = () => marked(mark).filter((pid) => readStat(pid)?.state !== 'Z');
    const ended = runProgram(
      ['sh', '-c', `${line}`],
      options({ environment: { PATH, [mark]: '1' }, limitMs: 400 }),
    );
    await expect.poll(() => going().length, { interval: 5 }).toBeGreaterThan(1);
    expect(await ended).toEqual({ kind: 'ended', because: 'time' });
    // A grandchild is another process's to reap.
    await expect.poll(going).toEqual([]);
    expect(children()).toEqual(before);
  });

  test('what it leaves in its group is ended with it', async () => {
    const mark = newMark();
    const end = await runProgram(
      ['sh', '-c', 'sleep 600 & sleep 600 & exit 0'],
      options({ environment: { PATH, [mark]: '1' } }),
    );
    expect(end).toMatchObject({ kind: 'exited', code: 0 });
    await expect.poll(() => marked(mark).filter((pid) => readStat(pid)?.state !== 'Z')).toEqual([]);
  });

  test('is ended by a signal, at once, and is not started after it', async () => {
    const controller = new AbortController();
    const began = Date.now();
    const ended = runProgram(['sleep', '600'], options({ signal: controller.signal }));
    setTimeout(() => controller.abort(), 50);
    expect(await ended).toEqual({ kind: 'ended', because: 'signal' });
    expect(Date.now() - began).toBeLessThan(10_000);
    expect(await runProgram(['/nonexistent'], options({ signal: controller.signal }))).toMatchObject({
      kind: 'ended',
    });
  });

  test('a hundred of them leave no descriptor open', async () => {
    await runProgram(['true'], options({ output: true }));
    const before = descriptors();
    for (let n = 0; n < 100; n += 1)
      await runProgram(['true'], options({ output: n % 2 === 0, limitMs: 20_000 }));
    expect(descriptors()).toBeLessThanOrEqual(before);
  });
});

describe('a command', () => {
  const look = (
    command: string | readonly string[],
    commandMs = 20_000,
    environment: Record<string, string> = { PATH },
  ) => lookByCommand(command, { environment, commandMs, signal: new AbortController().signal });

  test.each<[string, string | string[], string | true]>([
    ['a line for the shell', 'test -d /proc && true', true],
    ['words, which no shell sees', ['test', '$HOME', '=', '$HOME'], true],
    ['another end', 'exit 3', 'its command has ended with 3'],
    ['a signal', 'kill -KILL $$', 'its command was killed by SIGKILL'],
    ['no program', ['/nonexistent', 'secret'], 'its command cannot be started (ENOENT)'],
    ['no program for the shell', '/nonexistent secret', 'its command has ended with 127'],
  ])('%s', async (_, command, expected) => {
    const answer = await look(command);
    expect(answer.holds ? true : answer.because).toBe(expected);
  });

  test('that takes too long', async () => {
    expect(await look('sleep 600', 300)).toEqual({
      holds: false,
      because: 'its command has not ended within 0 s',
    });
  });

  test('has the environment that it is given, and no other', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'tool'), '#!/bin/sh\n[ "$A" = 1 ] && [ -z "$VITEST" ]\n', { mode: 0o755 });
    expect(await look(['tool'], 20_000, { PATH: `${folder}:${PATH}`, A: '1' })).toEqual({ holds: true });
    expect(await look(['tool'], 20_000, { PATH: `${folder}:${PATH}` })).toMatchObject({ holds: false });
  });
});
