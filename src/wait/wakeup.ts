import { type FSWatcher, watch } from 'node:fs';
import { monotonic } from '../os/clock.ts';
import { basename } from '../os/path.ts';

/** Longest sleep at once: `setTimeout` fires at once beyond 2^31-1 ms, and a change that no event reports is seen after this long. */
const LONGEST_MS = 60_000;

/** A sleep that an event can end. */
export interface Wakeup {
  /** Sleeps for so many milliseconds (60,000 at most), or until something happens: then it is true. */
  sleep(milliseconds: number): Promise<boolean>;
  /** Ends the present sleep, or the next one. */
  poke(): void;
  /** When something has happened last, by the monotonic clock; 0 before the first time. */
  lastPoke(): number;
  /** Watches a folder, or what one name in it stands for, until the returned function is called. A change is a poke, and calls `changed`. */
  watch(folder: string, options?: { readonly name?: string; readonly changed?: () => void }): () => void;
  close(): void;
}

export function createWakeup(): Wakeup {
  let poked = false;
  let last = 0;
  let wake: (() => void) | undefined;
  const watchers = new Map<string, FSWatcher>();
  const poke = () => {
    poked = true;
    last = monotonic();
    wake?.();
  };
  const unwatch = (folder: string) => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };
  return {
    poke,
    lastPoke: () => last,
    close() {
      for (const folder of watchers.keys()) unwatch(folder);
    },
    watch(folder, { name, changed } = {}) {
      // It may be another one of that name.
      unwatch(folder);
      try {
        const watcher = watch(folder, (_, found) => {
          // A change of the folder itself comes under the folder's own name.
          if (name !== undefined && ![null, name, basename(folder)].includes(found)) return;
          poke();
          changed?.();
        });
        watcher.on('error', () => watcher.close());
        watchers.set(folder, watcher);
      } catch {
        // There is no such folder, or inotify is used up (inotify(7)): changes are seen after LONGEST_MS.
      }
      return () => unwatch(folder);
    },
    async sleep(milliseconds) {
      if (!poked) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, Math.min(milliseconds, LONGEST_MS));
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      wake = undefined;
      const wasPoked = poked;
      poked = false;
      return wasPoked;
    },
  };
}
