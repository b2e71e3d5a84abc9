import { readlinkSync } from 'node:fs';
import { splitAtNul } from '../os/bytes.ts';
import type { ProcessId } from '../os/process.ts';
import { readBytes } from '../os/read.ts';
import { checkEnvironment } from '../repeat/environment.ts';
import type { Condition } from '../schedule/condition.ts';
import type { Entry } from '../schedule/entry.ts';
import { CHANNEL_VARIABLE } from '../state/channel.ts';
import type { LooksAt } from '../state/looks.ts';
import { createLooker, type Looker } from '../wait/condition/looker.ts';
import { keepWords, neededBy } from '../wait/condition/words.ts';

/** The conditions of what is pending below an `again run`, and the looks at them. */
export interface Conditions {
  readonly looker: Looker;
  /** How far the looks have come, by the ids of conditions. */
  readonly looks: Readonly<Record<string, LooksAt>>;
  /** Takes in a condition that a run asks for, which waits for its answer. */
  take(id: string, condition: Condition, run: ProcessId): void;
  /** Shows `again status` the words of these. */
  show(entries: readonly Entry[]): void;
}

/** The handlers of the looks' results. */
export interface Findings {
  /** Called when these hold, from this time of the monotonic clock on. */
  readonly met: (ids: readonly string[], at: number) => void;
  /** Called after each look. */
  readonly looked: (ids: readonly string[]) => void;
  /** Called once for each whose command cannot be started. */
  readonly unstartable: (ids: readonly string[], because: string) => void;
}

/** The words of a condition, and what its command has in common with the run that asked for it. */
interface RunCondition {
  readonly condition: Condition;
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string | undefined;
}

export function createConditions({ met, looked, unstartable }: Findings): Conditions {
  const told = new Set<string>();
  const conditions = new Map<string, RunCondition>();
  const looks: Record<string, LooksAt> = {};
  const looker = createLooker({
    words: (id) => conditions.get(id)?.condition,
    surroundings: (id) => conditions.get(id) ?? { environment: {} },
    met,
    looked(ids, one) {
      for (const id of ids) looks[id] = one;
      looked(ids);
    },
    unstartable(ids, because) {
      // The looks begin again after each run.
      const fresh = ids.filter((id) => !told.has(id));
      for (const id of fresh) told.add(id);
      if (fresh.length > 0) unstartable(fresh, because);
    },
  });
  return {
    looker,
    looks,
    take(id, condition, run) {
      conditions.set(id, { condition, ...surroundingsOf(run) });
    },
    show(entries) {
      const words = new Map([...conditions].map(([id, { condition }]) => [id, condition]));
      try {
        keepWords(neededBy(entries, words));
      } catch {
        // There is no memory for them that others can read: they are shown without their commands.
      }
    },
  };
}

function ownEnvironment(): Record<string, string> {
  return { ...process.env } as Record<string, string>;
}

function surroundingsOf({ pid }: ProcessId): Omit<RunCondition, 'condition'> {
  try {
    const found = checkEnvironment(splitAtNul(readBytes(`/proc/${pid}/environ`)));
    // Where a title covers it (os/handed-on.ts), it is much like that of this process, with which its runs are started.
    const environment = CHANNEL_VARIABLE in found ? found : ownEnvironment();
    return { environment, directory: readlinkSync(`/proc/${pid}/cwd`) };
  } catch {
    return { environment: ownEnvironment(), directory: undefined };
  }
}
