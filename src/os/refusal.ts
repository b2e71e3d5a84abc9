/** Something that a user must be told in one sentence; the program ends with `exitCode` and nothing has changed. */
export class Refusal extends Error {
  readonly exitCode: 1 | 64;

  constructor(message: string, exitCode: 1 | 64 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * A rerun that is impossible by nature here: `bolt apply`, a manifest from standard input, `bundle exec`, Puppet as the main process of a container. A site, or
 * the run, can choose to be only warned (`unsupported`).
 */
export class Unsupported extends Refusal {}

/** A chain that has reached its limit: a refusal that is written to the journal, too. */
export class ChainEnded extends Refusal {}

/** One line for people, whatever was thrown. */
export function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s*\n\s*/g, ' ').trim();
}

/** The same of something that may pass and is tried again: without the name of a temporary file, so that it reads the same each time. */
export function troubleOf(error: unknown): string {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return code === undefined || syscall === undefined ? oneLine(error) : oneLine(error).replace(/, .*$/, '');
}
