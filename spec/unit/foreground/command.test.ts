import { expect, test } from 'vitest';
import { startCommand } from '../../../src/foreground/command.ts';

const origin = { ignored: [], openFiles: undefined, descriptors: [] };

const endOf = (...command: string[]) =>
  startCommand({ command, environment: { PATH: '/usr/bin:/bin' }, origin, input: undefined }).ended;

test('a command that the kernel does not take is none, and its word says why', async () => {
  // More than the kernel takes as one argument (execve(2)).
  expect(await endOf('true', 'x'.repeat(256 * 1024))).toEqual({
    kind: 'not started',
    code: 126,
    because: 'argument list too long (E2BIG)',
  });
});

test.each([
  ['/nonexistent', 127, 'no such file'],
  ['no-such-command', 127, 'not found in PATH'],
  ['/etc/passwd', 126, 'is no file that can be executed'],
])('%s is none: %i', async (name, code, because) => {
  expect(await endOf(name)).toEqual({ kind: 'not started', code, because });
});

test('a command ends with its code, or by a signal', async () => {
  expect(await endOf('sh', '-c', 'exit 6')).toEqual({ kind: 'exited', code: 6 });
  expect(await endOf('sh', '-c', 'kill -9 $$')).toEqual({ kind: 'killed', signal: 9 });
});
