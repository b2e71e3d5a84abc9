import { Refusal } from '../os/refusal.ts';
import { parseVerdict } from '../os/verdict.ts';
import { displayName, isMeant } from '../schedule/names.ts';
import { socketOf } from '../state/channel.ts';
import { type ChannelRecord, readChannelRecords } from '../state/channel-record.ts';
import { converse } from '../state/converse.ts';

/** Milliseconds for the answer of an `again run`, which does little but wait. */
const PATIENCE_MS = 5000;

/** The answers of all `again run`s that have something pending under a name. */
export interface Answers {
  /** What they have done something with. */
  readonly names: string[];
  /** Pids of those that did not answer. */
  readonly silent: number[];
}

/**
 * Says something to each of them.
 *
 * @param name what is meant; undefined for all that is pending
 * @param isAsked which of them count. Default: each
 */
export async function sayInForeground(
  said: string,
  name: string | undefined,
  isAsked: (record: ChannelRecord) => boolean = () => true,
): Promise<Answers> {
  const answers: Answers = { names: [], silent: [] };
  for (const { folder, record } of readChannelRecords()) {
    const wanted = record.entries.filter((entry) => isMeant(entry, name));
    if (wanted.length === 0 || !isAsked(record)) continue;
    const answer = await converse(socketOf(folder), said, PATIENCE_MS);
    if (answer === undefined) answers.silent.push(record.waiter.pid);
    // Else it has just ended, or begun the rerun; one of an older version says nothing.
    else if (countIn(answer) > 0) answers.names.push(...wanted.map((entry) => displayName(entry.name)));
  }
  return answers;
}

/** How many entries an answer is about: `1 cancelled`, `2 due now`. */
function countIn(answer: string): number {
  return Number.parseInt(parseVerdict(answer)?.text ?? '', 10) || 0;
}

/** How far a command has come with what is pending. */
export interface Done {
  /** What it has found, here and in the background. */
  readonly found: readonly string[];
  /** What has kept it from all that is in the background. */
  readonly failure: unknown;
  readonly answers: Answers;
}

/**
 * Tells what was found.
 *
 * @throws {Refusal} where not everything could be reached, or nothing was found under a name
 */
export function conclude(
  { found, failure, answers: { silent } }: Done,
  name: string | undefined,
  tell: (found: readonly string[]) => void,
): void {
  const isComplete = failure === undefined && silent.length === 0;
  if (found.length > 0 || (name === undefined && isComplete)) tell(found);
  if (failure !== undefined) throw failure;
  if (silent.length > 0)
    throw new Refusal(
      `\`again run\` (pid ${silent.join(', pid ')}) does not answer: continue it (\`fg\`), or end it`,
    );
  if (name !== undefined && found.length === 0)
    throw new Refusal(`nothing is pending under the name ${JSON.stringify(name)}: see \`again status\``);
}

/** What a work fails with, where that is not to keep a command from what else it does; undefined where it does not fail. */
export function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (failure: unknown) => failure,
  );
}
