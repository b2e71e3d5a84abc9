import { type FSWatcher, watch } from 'node:fs';

/** Longest sleep at once: `setTimeout` fires at once beyond 2^31-1 ms, and what no event tells is seen after this long. */
const LONGEST_MS = 60_000;

/** A sleep that an event can end. */
export interface Wakeup {
  /** Sleeps for so many milliseconds (60,000 at most), or until something happens: then it is true. */
  sleep(milliseconds: number): Promise<boolean>;
  /** Ends the sleep that goes on, or the next one. */
  poke(): void;
  /** Watches a folder from now on: a change in it is a poke. */
  watch(folder: string): void;
  close(): void;
}

export function createWakeup(): Wakeup {
  let poked = false;
  let wake: (() => void) | undefined;
  let watcher: FSWatcher | undefined;
  const poke = () => {
    poked = true;
    wake?.();
  };
  const close = () => {
    watcher?.close();
    watcher = undefined;
  };
  return {
    poke,
    close,
    watch(folder) {
      close();
      try {
        watcher = watch(folder, poke);
        watcher.on('error', close);
      } catch {
        // inotify is used up (inotify(7)): changes are seen after LONGEST_MS.
      }
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
