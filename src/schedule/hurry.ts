import type { Entry } from './entry.ts';

/**
 * An entry for which `again now` was called: due at once, or at the end of its run where that is still going. It was not due before: an ordinary run that began
 * earlier does not satisfy it. Its grace time stays, and a condition counts as met.
 *
 * @param now milliseconds of the monotonic clock
 */
export function hurried(entry: Entry, now: number): Entry {
  const from = entry.startTimerNow ? entry.notifiedAt : entry.runEndedAt;
  const wait = from === undefined ? 0 : Math.max(0, now - from);
  const { condition } = entry;
  return {
    ...entry,
    wait: Math.min(entry.wait, wait),
    hurried: true,
    ...(condition && { condition: { ...condition, metAt: condition.metAt ?? now, splay: 0 } }),
  };
}
