import type { Clock } from './clock.ts';

/** A Puppet Server: so many JRuby instances, each of which serves one request at a time, and one queue before them. */
export interface Server {
  /**
   * Asks it for something that keeps an instance busy for so many seconds.
   *
   * @param refused what happens where the queue is full: the answer is 503, at once
   */
  request(seconds: number, answered: () => void, refused: () => void): void;
  queue(): number;
  /** Seconds that requests waited for an instance. */
  readonly waits: number[];
  longestQueue(): number;
  /** How many it has refused. */
  refusals(): number;
}

/** @param longestAllowed `max-queued-requests`: a request that finds so many in the queue is refused. Default: none is */
export function createServer(
  clock: Clock,
  instances: number,
  longestAllowed = Number.POSITIVE_INFINITY,
): Server {
  const waiting: (() => void)[] = [];
  const waits: number[] = [];
  let first = 0;
  let busy = 0;
  let longest = 0;
  let refusals = 0;
  const next = () => {
    busy -= 1;
    waiting[first]?.();
    if (first < waiting.length) first += 1;
  };
  return {
    waits,
    queue: () => waiting.length - first,
    longestQueue: () => longest,
    refusals: () => refusals,
    request(seconds, answered, refused) {
      const came = clock.now();
      const serve = () => {
        busy += 1;
        waits.push(clock.now() - came);
        clock.work(seconds, () => {
          next();
          answered();
        });
      };
      if (busy < instances) return serve();
      if (waiting.length - first >= longestAllowed) {
        refusals += 1;
        return refused();
      }
      waiting.push(serve);
      longest = Math.max(longest, waiting.length - first);
    },
  };
}
