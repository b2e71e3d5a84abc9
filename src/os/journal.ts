import { existsSync } from 'node:fs';
import { tell } from './fault.ts';
import { oneLine } from './refusal.ts';
import { runSilently } from './spawn.ts';

/** The events of a pending rerun; each makes one line in the journal, or in syslog where there is no journal. */
export type Event =
  | 'scheduled'
  | 'coalesced'
  | 'backing off'
  | 'waiting'
  | 'continues'
  | 'satisfied'
  | 'cancelled'
  | 'dropped'
  | 'ready'
  | 'timed out'
  | 'held'
  | 'released'
  | 'due now'
  | 'started'
  /** A rerun was none: it could not be started, or Puppet did not take it. */
  | 'failed'
  /** Puppet's own report says so. */
  | 'rerun failed'
  | 'lost';

/** A line for the journal, to be written when Puppet need not wait for it any more. */
export type LoggedEvent = readonly [Event, string];

/** Where logger(1) writes to: the journal's socket, or syslog's. */
const LOG_SOCKET = '/dev/log';

/** Bytes of a line: logger(1) cuts off what is longer, at 1024 by default. A hundred names have room, and what is behind them. */
const LONGEST = 32_768;

/** Writes one line. */
export function log(event: Event, text: string): void {
  writeLine(journalLine([event, text]));
}

/** A line as the launcher, and {@link writeLine}, take it: `PID PRIORITY TEXT` (logger(1), --id and --priority). */
export function journalLine([event, text]: LoggedEvent): string {
  tell(`${event}: ${text}`);
  return `${process.pid} daemon.${PRIORITIES[event] ?? 'notice'} ${event}: ${oneLine(text)}`;
}

/** The events that are more than a notice. */
const PRIORITIES: Partial<Record<Event, 'err' | 'warning'>> = {
  failed: 'err',
  'rerun failed': 'err',
  lost: 'warning',
};

/**
 * Writes a line by logger(1). A shell stands between and ends at once, so that the process never has a child that it, as Puppet, would
 * not know. A machine without a log is no reason to fail.
 */
export function writeLine(line: string): void {
  if (!existsSync(LOG_SOCKET)) return;
  const [id = '', priority = '', ...text] = line.split(' ');
  runSilently('/bin/sh', [
    '-c',
    `logger -t again --size ${LONGEST} --id="$1" -p "$2" -- "$3" &`,
    'sh',
    id,
    priority,
    text.join(' '),
  ]);
}
