import { readOwnFile, removeFile, replaceFile } from '../os/files.ts';
import { join } from '../os/path.ts';
import { type Hold, leftOf, parseHold } from '../schedule/hold.ts';

/** The file's name. The fact `again` and the task `common::again` read it, too. */
export const HOLD_FILE = 'hold.json';

function holdPath(folder: string): string {
  return join(folder, HOLD_FILE);
}

/**
 * The hold that keeps all reruns of a state folder from starting; undefined where there is none. It counts for all users of the folder.
 *
 * @param now milliseconds since 1970
 */
export function readHold(folder: string, now = Date.now()): Hold | undefined {
  const hold = parseHold(readOwnFile(holdPath(folder)) ?? '');
  return hold && leftOf(hold, now) > 0 ? hold : undefined;
}

/** Takes the place of an earlier one. Under the lock of the folder: then nothing starts any more when it is given back. */
export function writeHold(folder: string, hold: Hold): void {
  replaceFile(holdPath(folder), `${JSON.stringify(hold)}\n`);
}

/** Ends a hold, also one that is over by itself. */
export function removeHold(folder: string): void {
  removeFile(holdPath(folder));
}
