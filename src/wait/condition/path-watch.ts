import { type FSWatcher, watch } from 'node:fs';
import { monotonic } from '../../os/clock.ts';
import { basename } from '../../os/path.ts';
import { type Nearest, nearestFolder } from './path.ts';

/** Milliseconds between two looks that a folder causes, at least. */
const PAUSE_MS = 100;

/** Events of one pause that concern other names, after which the folder is not watched for the rest of it. */
const MOST_EVENTS = 20;

/** Watches the way to a path that is not there. */
export interface PathWatch {
  /** Watches the folder that is the nearest now; to be called after each look. */
  refresh(path: string | undefined): void;
  close(): void;
}

/**
 * Tells by inotify when a path may have come. A folder in which much happens is watched for moments only, and costs a look in each pause at most.
 *
 * @param changed called when a look is worth it
 */
export function watchPath(changed: () => void): PathWatch {
  let watcher: FSWatcher | undefined;
  let watched: Nearest | undefined;
  let timer: NodeJS.Timeout | undefined;
  let lastLook = 0;
  let [events, since] = [0, 0];

  const stop = () => {
    watcher?.close();
    [watcher, watched] = [undefined, undefined];
  };
  /** A look now, or when the pause since the last one is over. */
  const look = () => {
    const left = lastLook + PAUSE_MS - monotonic();
    if (left > 0) {
      timer ??= setTimeout(now, left);
      return;
    }
    now();
  };
  const now = () => {
    clearTimeout(timer);
    timer = undefined;
    lastLook = monotonic();
    changed();
  };
  const take = (found: string | null, { folder, name }: Nearest) => {
    // A change of the folder itself comes under the folder's own name.
    if (found === null || found === name || found === basename(folder)) return look();
    if (monotonic() - since > PAUSE_MS) [events, since] = [0, monotonic()];
    events += 1;
    if (events < MOST_EVENTS) return;
    stop();
    lastLook = Math.max(lastLook, since);
    look();
  };
  return {
    refresh(path) {
      const nearest = path === undefined ? undefined : nearestFolder(path);
      if (path === undefined || nearest === undefined) return stop();
      if (nearest === 'there') {
        // It has come since the look.
        stop();
        return look();
      }
      if (watcher && isSame(nearest, watched)) return;
      stop();
      try {
        watcher = watch(nearest.folder, (_, found) => take(found, nearest));
        watcher.on('error', stop);
        watched = nearest;
      } catch {
        return; // inotify is used up (inotify(7)), or the folder has gone: the next look tells
      }
      // A change before the watch began takes one more look.
      const after = nearestFolder(path);
      if (after === undefined || after === 'there' || !isSame(after, nearest)) look();
    },
    close() {
      clearTimeout(timer);
      timer = undefined;
      stop();
    },
  };
}

function isSame(a: Nearest, b: Nearest | undefined): boolean {
  return a.id === b?.id && a.name === b.name && a.folder === b.folder;
}
