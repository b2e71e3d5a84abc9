const NOISE = /Could not retrieve|Unable to getenv|Permission denied/;

/** Whether a line is what Facter says in containers, where it may not look at everything. */
export function isNoise(line: string): boolean {
  return NOISE.test(line);
}
