import { Refusal } from '../../src/os/refusal.ts';

/** The sentence of the refusal that this ends with; fails where it ends with anything else. */
export function refusalOf(work: () => unknown): string {
  const error = thrown(work);
  if (error instanceof Refusal) return error.message;
  throw error;
}

/** The error that this throws. */
export function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('it was not refused');
}
