import type { Bytes } from '../os/bytes.ts';
import { fingerprint } from '../os/fingerprint.ts';

/** Facter's own rule for the variables that it makes facts of (facter/util/… EnvironmentDriver): it ignores upper and lower case. */
const FACT_VARIABLE = /^facter_?\w+=/i;

/**
 * Stands for the facts that an environment sets, whatever their order; empty where it sets none. The values can't be read from it, since they may be
 * secrets.
 */
export function factsOf(environment: readonly Bytes[]): string {
  const variables = environment.filter((entry) => FACT_VARIABLE.test(entry)).sort();
  return variables.length === 0 ? '' : fingerprint(JSON.stringify(variables));
}
