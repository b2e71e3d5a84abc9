import type { Clock } from './clock.ts';

/** A Puppet Server: so many JRuby instances, each of which serves one request at a time, and one queue before them. */
export interface Server {
  /** Asks it for something that keeps an instance busy for so many seconds. */
  request(seconds: number, answered: () => void): void;
  queue(): number;
  /** Seconds that requests waited for an instance. */
  readonly waits: number[];
  longestQueue(): number;
}

export function createServer(clock: Clock, instances: number): Server {
  const waiting: (() => void)[] = [];
  const waits: number[] = [];
  let first = 0;
  let busy = 0;
  let longest = 0;
  const next = () => {
    busy -= 1;
    waiting[first]?.();
    if (first < waiting.length) first += 1;
  };
  return {
    waits,
    queue: () => waiting.length - first,
    longestQueue: () => longest,
    request(seconds, answered) {
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
      waiting.push(serve);
      longest = Math.max(longest, waiting.length - first);
    },
  };
}
