/** A request that the server has answered. */
export interface Request {
  /** The agent's address. */
  readonly from: string;
  /** Seconds since 1970. */
  readonly began: number;
  readonly ended: number;
  /** Seconds for which it kept a JRuby instance; 0 where it needed none. */
  readonly busy: number;
}

/**
 * Reads Puppet Server's access log, with times to the millisecond. Its last three columns are the milliseconds that the answer took, the length of what
 * was sent, and the milliseconds for which a JRuby instance was borrowed.
 */
export function parseAccessLog(text: string): Request[] {
  return text.split('\n').flatMap((line) => {
    const found = /^(\S+) \S+ \S+ \[([^\]]+)\] .* (\d+) \S+ (\d+|-)$/.exec(line);
    if (!found) return [];
    const [, from = '', time = '', took, busy] = found;
    const ended = Date.parse(time) / 1000;
    const began = ended - Number(took) / 1000;
    return [{ from, began, ended, busy: busy === '-' ? 0 : Number(busy) / 1000 }];
  });
}
