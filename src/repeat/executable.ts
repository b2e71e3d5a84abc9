import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import type { Bytes } from '../os/bytes.ts';
import { toBuffer, toDisplay } from '../os/bytes.ts';
import { Refusal } from '../os/refusal.ts';
import { refuseForeignWriters } from '../state/folder.ts';

/** Names a file whatever its path: the one that the notifying run executes. */
export interface FileId {
  readonly device: number;
  readonly inode: number;
}

/** The file that a process executes, also one that has no name any more. */
export function imageOf(pid: number): FileId {
  const stat = statSync(`/proc/${pid}/exe`);
  return { device: stat.dev, inode: stat.ino };
}

/**
 * The file to execute: the run's own, or after an upgrade the new one at the same path, or where that path is gone the one that the run
 * was started by (`/usr/bin/ruby`, a link to this version's). A new one must be one that only root, or this user, can have put there.
 */
export function currentExecutable(executable: Bytes, argv0: Bytes, original: FileId): Bytes {
  for (const path of [executable, argv0]) {
    if (!path.startsWith('/')) continue;
    const stat = statSync(toBuffer(path), { throwIfNoEntry: false });
    if (!stat?.isFile()) continue;
    if (stat.dev !== original.device || stat.ino !== original.inode)
      refuseForeignWriters(realpathSync(toBuffer(path)).toString());
    accessSync(toBuffer(path), constants.X_OK);
    return path;
  }
  throw new Refusal(`Puppet's interpreter ${toDisplay(executable)} is gone`);
}
