import type { Argument } from './arguments.ts';

export function appliesTheSame(_a: readonly Argument[], _b: readonly Argument[]): boolean {
  return true;
}
