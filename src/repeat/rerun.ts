import type { Bytes } from '../os/bytes.ts';
import type { Surroundings } from './surroundings.ts';

/** The program that this process becomes. */
export interface Rerun {
  readonly executable: Bytes;
  readonly argv: readonly Bytes[];
  readonly environment: readonly Bytes[];
  readonly surroundings: Surroundings;
  /** Whether the limit of open files is the run's again; else Ruby sets it. */
  readonly limitRestored: boolean;
  /** File that gets standard output and standard error. */
  readonly log: string;
  /** Path of systemd-cat, where the journal gets them instead. If that fails, the file says why. */
  readonly journal?: string;
}
