import type { World } from './world.ts';

/** Runs commands one after the other in one script, as a shell does; returns all output and the exit code of each. */
export async function inARow(
  world: World,
  commands: readonly (readonly string[])[],
): Promise<{ output: string; codes: number[] }> {
  const lines = commands.map((words) => `${shellWords(words)}; echo "exit code $?"`);
  const script = await world.write('script.sh', `${lines.join('\n')}\n`);
  const { output } = await world.run({ argv: ['/bin/sh', script], seconds: 600 });
  return { output, codes: [...output.matchAll(/^exit code (\d+)$/gm)].map(([, code]) => Number(code)) };
}

/** A command as a shell reads it. */
export function shellWords(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
}
