import { displayName } from '../schedule/names.ts';
import type { PastRerun } from '../state/history.ts';
import { journalCommand } from '../state/output.ts';
import { formatDuration, formatTime } from './duration.ts';
import type { Paint } from './paint.ts';
import { drawTimeline } from './timeline.ts';

/** A past rerun as people and programs see it; the JSON of `again history --json` is a list of these. */
export interface Past {
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly start: string;
  /** Seconds, or null where that is not known. */
  readonly duration: number | null;
  /** `changed`, `unchanged` and `failed` are Puppet's words; `running`, `not run: …` and `unknown` are ours. */
  readonly result: string;
  readonly names: readonly string[];
  readonly command: string;
  readonly chain: string;
  readonly link: number;
  readonly pid: number;
  readonly log: string;
  /** The command that shows the output, where that is in the journal. */
  readonly journal?: string;
  /** The unit that was started instead of the command, systemd's `Result=` of it, and the exit code of its main process, or its signal. */
  readonly unit?: string;
  readonly unitResult?: string;
  readonly exitCode?: number;
}

export function pastOf(rerun: PastRerun, running: boolean, log: string): Past {
  const { id, startedAt, command, chain, link, pid, outcome, failure } = rerun;
  return {
    id,
    start: startedAt,
    duration: outcome?.seconds ?? null,
    result: failure ? `not run: ${failure}` : (outcome?.status ?? (running ? 'running' : 'unknown')),
    names: rerun.names.map(displayName),
    command,
    chain,
    link,
    pid,
    log,
    ...(rerun.journal && { journal: journalCommand(pid) }),
    ...(rerun.unit !== null && { unit: rerun.unit }),
    ...(outcome?.result !== undefined && { unitResult: outcome.result, exitCode: outcome.exitCode }),
  };
}

/** Draws past reruns, chain by chain: a line of time, then a line for each rerun. */
export function drawHistory(past: readonly Past[], paint: Paint): string {
  if (past.length === 0) return 'No rerun yet.\n';
  const chains = Map.groupBy(past, (one) => one.chain);
  return [...chains.values()].map((reruns) => drawChain(reruns, paint)).join('\n');
}

function drawChain(reruns: readonly Past[], paint: Paint): string {
  const command = reruns.at(-1)?.command ?? '';
  const rows = reruns.map((one) => {
    const duration = one.duration === null ? '' : formatDuration(Math.max(1, Math.round(one.duration)));
    const [id, link] = [one.id, `#${one.link}`.padStart(4)];
    return `  ${link} ${formatTime(one.start)} ${duration.padStart(9)}  ${paint(colourOf(one.result), one.result)}  ${paint('dim', id)}`;
  });
  const timeline = drawTimeline(
    reruns.map((one) => ({ at: Date.parse(one.start), failed: colourOf(one.result) === 'red' })),
  );
  return `${paint('bold', command)}\n${timeline}${rows.join('\n')}\n`;
}

function colourOf(result: string): 'red' | 'green' | 'yellow' | 'dim' {
  if (result === 'failed' || result.startsWith('not run')) return 'red';
  if (result === 'running') return 'yellow';
  return result === 'unknown' ? 'dim' : 'green';
}
