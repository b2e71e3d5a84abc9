// A part of the executable of its own (scripts/bundle.mjs): most waiters never need it.
import { monotonic } from '../os/clock.ts';
import { log } from '../os/journal.ts';
import { self } from '../os/process.ts';
import { checkEnvironment } from '../repeat/environment.ts';
import { restoreOpenFiles } from '../repeat/limit.ts';
import type { Condition } from '../schedule/condition.ts';
import type { Entry } from '../schedule/entry.ts';
import { displayNames } from '../schedule/names.ts';
import { openStateFolder } from '../state/folder.ts';
import { type LooksAt, removeLooks, writeLooks } from '../state/looks.ts';
import { createLooker, type Looker } from './condition/looker.ts';
import { readOwnWords } from './condition/words.ts';
import type { WaiterContext } from './context.ts';

/** The looks of one waiter at the conditions of its record. */
export interface Looking {
  /** Looks at just these. */
  lookAt(awaited: readonly Entry[]): void;
  /** Ends all looks, and what they have started. */
  stop(): Promise<void>;
}

/** Milliseconds between two notes of the looks, while they find the same. */
const NOTE_MS = 1000;

/** @param met called when these hold, from this time of the monotonic clock on */
export function createLooking(
  context: WaiterContext,
  met: (ids: readonly string[], at: number) => void,
): Looking {
  let awaited: readonly Entry[] = [];
  let words: ReadonlyMap<string, Condition> = new Map();
  let hasRunLimit = false;
  let notes: Record<string, LooksAt> = {};
  let notedAt = Number.NEGATIVE_INFINITY;
  const environment = checkEnvironment(context.surroundings.environment);
  const names = (ids: readonly string[]) =>
    displayNames(awaited.filter(({ condition }) => condition && ids.includes(condition.id)));

  const note = (work: (folder: string) => void) => {
    try {
      work(openStateFolder(context.home));
    } catch {
      // The folder cannot be used just now, which the waiter reports by itself.
    }
  };

  const looker: Looker = createLooker({
    words: (id) => words.get(id),
    surroundings: () => ({ environment }),
    met(ids, at) {
      log('ready', `${names(ids)}: ${describe(awaited, ids, words)}`);
      met(ids, at);
    },
    looked(ids, looks) {
      const isNews = ids.some((id) => notes[id]?.answer !== looks.answer);
      for (const id of ids) notes[id] = looks;
      if (!isNews && monotonic() - notedAt < NOTE_MS) return;
      notedAt = monotonic();
      note((folder) => writeLooks(folder, context.id, { waiter: self(), conditions: notes }));
    },
    unstartable: (ids, because) => log('waiting', `${names(ids)}: ${because}, so it counts as not true`),
  });
  return {
    lookAt(entries) {
      const ids = new Set(entries.map(({ condition }) => condition?.id ?? ''));
      awaited = entries;
      if ([...ids].some((id) => !words.has(id))) words = readOwnWords();
      if (!hasRunLimit && [...ids].some((id) => words.get(id)?.succeeds !== undefined)) {
        hasRunLimit = true;
        restoreOpenFiles(context.surroundings.openFiles);
      }
      for (const id of Object.keys(notes)) if (!ids.has(id)) delete notes[id];
      looker.lookAt(entries);
    },
    async stop() {
      await looker.close();
      notes = {};
      note((folder) => removeLooks(folder, context.id, self()));
    },
  };
}

/** Why it is ready. */
function describe(
  awaited: readonly Entry[],
  ids: readonly string[],
  words: ReadonlyMap<string, Condition>,
): string {
  const [id = ''] = ids;
  if (!words.has(id)) return 'what it waits for is not known any more, so it counts as true';
  return awaited.find(({ condition }) => condition?.id === id)?.condition?.what ?? '';
}
