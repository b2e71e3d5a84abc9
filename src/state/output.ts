import { OUTPUT_IDENTIFIER } from '../os/journal-stream.ts';
import { SYSTEM_PATH } from '../os/spawn.ts';
import type { PastRerun } from './history.ts';
import { logPath } from './logs.ts';

/** The rerun whose output is meant. */
type Written = Pick<PastRerun, 'pid' | 'boot' | 'startedAt'>;

/** How a person reads in the journal what the process of this pid writes. */
export function journalCommand(pid: number): string {
  return `journalctl -t ${OUTPUT_IDENTIFIER} _PID=${pid}`;
}

/** Where the output of a unit goes, for people: its `StandardOutput=` and the like say so, and that need not be the journal. */
export function describeOutputOfUnit(unit: string): string {
  return `output as ${unit} has it`;
}

/** Where the output of a rerun goes, for people. */
export function describeOutput(
  folder: string,
  { pid, log, journal }: { readonly pid: number; readonly log: string; readonly journal: boolean },
): string {
  return journal ? `the journal (${journalCommand(pid)})` : logPath(folder, log);
}

/**
 * The words after `journalctl` that show what a rerun has written, and nothing else: its pid may have been another rerun's before, or become one's later.
 *
 * @param history all that is remembered, oldest first
 */
export function journalWords({ pid, boot, startedAt }: Written, history: readonly Written[]): string[] {
  const began = Date.parse(startedAt);
  const next = history.find(
    (other) => other.pid === pid && other.boot === boot && Date.parse(other.startedAt) > began,
  );
  return [
    '--quiet',
    '--no-pager',
    '--output=cat',
    `--identifier=${OUTPUT_IDENTIFIER}`,
    `--since=@${Math.floor(began / 1000)}`,
    ...(next ? [`--until=@${Math.floor(Date.parse(next.startedAt) / 1000)}`] : []),
    `_PID=${pid}`,
    `_BOOT_ID=${boot.replaceAll('-', '')}`,
  ];
}

/** The output that a rerun has written to the journal; undefined where that can't be read. Starts a program. */
export function readFromJournal(rerun: Written): string | undefined {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const { status, stdout } = spawnSync('journalctl', [...journalWords(rerun, []), '--lines=200'], {
    env: { PATH: SYSTEM_PATH },
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
    timeout: 5000,
  });
  return status === 0 ? stdout : undefined;
}
