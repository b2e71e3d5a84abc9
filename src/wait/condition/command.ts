import { SECOND_MS } from '../../os/second.ts';
import { type Answer, HOLDS, type LookContext, no } from './answer.ts';
import { runProgram } from './program.ts';

/** Asks a command: a line for the shell, or its words. It holds where that ends with 0. */
export async function lookByCommand(
  command: string | readonly string[],
  { environment, directory, commandMs, signal }: LookContext,
): Promise<Answer> {
  const words = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  const end = await runProgram(words, { environment, directory, limitMs: commandMs, signal });
  switch (end.kind) {
    case 'exited':
      return end.code === 0 ? HOLDS : no(`its command has ended with ${end.code}`);
    case 'killed':
      return no(`its command was killed by ${end.by}`);
    case 'not started':
      return {
        holds: false,
        because: `its command cannot be started (${end.code})`,
        unstartable: true,
      };
    case 'ended':
      return no(`its command has not ended within ${Math.round(commandMs / SECOND_MS)} s`);
  }
}
