import { accessSync, constants, statSync } from 'node:fs';
import { runSilently } from './spawn.ts';

/** The identifier under which reruns write to the journal (`journalctl -t`); the messages of `again` itself are under `again`. */
export const OUTPUT_IDENTIFIER = 'puppet-again';

/** systemd-cat(1) connects standard output and error to the journal, and becomes a command by execve(2). Node can't hand a socket on as descriptor 1. */
export const SYSTEMD_CAT = '/usr/bin/systemd-cat';

/** Where journald takes whole streams. */
const STREAMS = '/run/systemd/journal/stdout';

const OPTIONS = [`--identifier=${OUTPUT_IDENTIFIER}`, '--level-prefix=false'] as const;

/** Whether this machine has a journal, by two files. Starts nothing, so that a waiter may ask. */
export function hasJournal(): boolean {
  try {
    accessSync(SYSTEMD_CAT, constants.X_OK);
    return statSync(STREAMS).isSocket();
  } catch {
    return false;
  }
}

/** Whether the journal takes a stream at this moment: tried, with an empty one, which leaves no line. */
export function journalWorks(): boolean {
  return runSilently(SYSTEMD_CAT, [...OPTIONS, '--', '/bin/true']) === 0;
}

/** The words with which systemd-cat becomes a program of this path, under the same pid. */
export function throughJournal(file: string, [, ...args]: readonly string[]): string[] {
  return ['systemd-cat', ...OPTIONS, '--', file, ...args];
}
