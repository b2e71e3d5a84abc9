/** How a command ended, or why it could not be started. */
export type CommandEnd =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: number }
  /** `code` is a shell's: 126 for a file that can't be executed, 127 for one that is not there. */
  | { readonly kind: 'not started'; readonly code: 126 | 127; readonly because: string };

/** The other circumstances that decide the exit code. */
export interface Circumstances {
  /** The number of a signal that was sent to `again run` to end it. */
  readonly stopped: number | undefined;
  readonly timeOver: boolean;
  readonly limitReached: boolean;
}

/** timeout(1) has the same for a time that is over. */
export const TIME_OVER = 124;
export const LIMIT_REACHED = 125;

/** The exit code of `again run`: that of its last run, unless something else has ended it. */
export function exitCodeOf(end: CommandEnd, { stopped, timeOver, limitReached }: Circumstances): number {
  if (end.kind === 'not started') return end.code;
  if (stopped !== undefined) return 128 + (end.kind === 'killed' ? end.signal : stopped);
  if (timeOver) return TIME_OVER;
  if (end.kind === 'killed') return 128 + end.signal;
  return limitReached ? LIMIT_REACHED : end.code;
}
