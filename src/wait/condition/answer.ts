// The looks at what a `common::again::when` waits for: paths, endpoints, a command.

/** The result of a look. */
export type Answer =
  | { readonly holds: true }
  /** `because` is for people, and has no word of the command. `unstartable`: the command could not be started at all. */
  | { readonly holds: false; readonly because: string; readonly unstartable?: true };

export const HOLDS: Answer = { holds: true };

export function no(because: string): Answer {
  return { holds: false, because };
}

/** The things that a look needs beside the words of its condition. */
export interface LookContext {
  /** Of the notifying run. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where a command is started. Default: the directory of this process */
  readonly directory?: string | undefined;
  /** Milliseconds that a command may take. */
  readonly commandMs: number;
  /** Aborted where the look is not wanted any more: what it has started is ended then. */
  readonly signal: AbortSignal;
}

/** Milliseconds that a name server, a connection, or a file system that another machine or program serves may take. */
export const PATIENCE_MS = 10_000;
