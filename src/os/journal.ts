import { existsSync } from 'node:fs';
import { tell } from './fault.ts';
import { runSilently } from './spawn.ts';

/** What happens to a pending rerun; each makes one line in the journal, or in syslog where there is no journal. */
export type Event =
  | 'scheduled'
  | 'coalesced'
  | 'backing off'
  | 'waiting'
  | 'goes on'
  | 'satisfied'
  | 'cancelled'
  | 'started'
  | 'failed'
  | 'lost';

/** A line for the journal, to be written when Puppet need not wait for it any more. */
export type LoggedEvent = readonly [Event, string];

/** Where logger(1) writes to: the journal's socket, or syslog's. */
const LOG_SOCKET = '/dev/log';

/**
 * Writes one line by logger(1). A shell stands between and ends at once, so that the process never has a child that it, as Puppet, would
 * not know. A machine without a log is no reason to fail.
 */
export function log(event: Event, text: string): void {
  tell(`${event}: ${text}`);
  if (!existsSync(LOG_SOCKET)) return;
  const priority = event === 'failed' || event === 'lost' ? 'daemon.warning' : 'daemon.notice';
  runSilently('/bin/sh', [
    '-c',
    'logger -t again --id="$1" -p "$2" -- "$3" &',
    'sh',
    String(process.pid),
    priority,
    `${event}: ${text}`,
  ]);
}
