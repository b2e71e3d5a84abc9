import type { Bytes } from '../os/bytes.ts';

/** The command that is run again. The same executable, arguments, directory and user make the same command. */
export interface Command {
  readonly mode: 'apply' | 'agent';
  readonly executable: Bytes;
  readonly argv: readonly Bytes[];
  readonly directory: Bytes;
  readonly user: number;
}
