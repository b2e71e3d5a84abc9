import type { Cell } from '../cell.ts';
import type { Generation } from '../generations.ts';

/** A way in which people start a run. */
export interface Way {
  /** Its row in the table. */
  readonly title: string;
  /** Whether `npm test` has it, too. */
  readonly fast?: boolean;
  /** Why it can't be had on a generation. Default: it can. */
  cannot?(generation: Generation): string | undefined;
  /** Starts a run in that way, and asserts the contract. */
  run(cell: Cell): Promise<void>;
}
