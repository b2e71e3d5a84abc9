import { spawnSync } from 'node:child_process';

/** What happens to a pending rerun; each makes one line in the journal, or in syslog where there is no journal. */
export type Event =
  | 'scheduled'
  | 'coalesced'
  | 'backing off'
  | 'satisfied'
  | 'cancelled'
  | 'started'
  | 'failed'
  | 'lost';

/**
 * Writes one line by logger(1). A shell stands between and ends at once, so that the process never has a child that it, as Puppet, would
 * not know. A machine without a log is no reason to fail.
 */
export function log(event: Event, text: string): void {
  const priority = event === 'failed' || event === 'lost' ? 'daemon.warning' : 'daemon.notice';
  spawnSync(
    '/bin/sh',
    [
      '-c',
      'logger -t again --id="$1" -p "$2" -- "$3" &',
      'sh',
      String(process.pid),
      priority,
      `${event}: ${text}`,
    ],
    {
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      stdio: 'ignore',
      timeout: 5000,
    },
  );
}
