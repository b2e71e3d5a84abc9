import type { Condition } from '../../schedule/condition.ts';
import { type Answer, HOLDS, type LookContext, no } from './answer.ts';
import { lookByCommand } from './command.ts';
import { lookAtEndpoint } from './endpoint.ts';
import { lookAtPath } from './path.ts';

/** The result of one look, and where it has come to its end. */
export interface Found {
  readonly answer: Answer;
  /** The path that is not there. */
  readonly missing?: string;
}

/** Looks once: at the paths, then at the endpoints, then by the command, up to the first that does not hold. */
export async function look(
  { exists, connects, succeeds }: Pick<Condition, 'exists' | 'connects' | 'succeeds'>,
  context: LookContext,
  commands: Queue,
): Promise<Found> {
  for (const path of exists) {
    const answer = await lookAtPath(path, context);
    if (!answer.holds) return { answer, missing: path };
  }
  for (const endpoint of connects) {
    const answer = await lookAtEndpoint(endpoint, context);
    if (!answer.holds) return { answer };
  }
  if (succeeds === undefined) return { answer: HOLDS };
  return {
    answer: await commands(() => (context.signal.aborted ? GIVEN_UP : lookByCommand(succeeds, context))),
  };
}

const GIVEN_UP = no('not asked to its end');

/** Does one thing after another. */
export type Queue = <Result>(work: () => Result | Promise<Result>) => Promise<Result>;

export function createQueue(): Queue {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  };
}
