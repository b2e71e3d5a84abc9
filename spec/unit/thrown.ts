import { Refusal } from '../../src/refusal.ts';

/** The sentence of the refusal that this ends with; fails where it ends with anything else. */
export function refusalOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
  throw new Error('it was not refused');
}
