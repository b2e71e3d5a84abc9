import { readAncestry } from '../os/process.ts';
import { Refusal } from '../os/refusal.ts';
import { identifyRun } from '../puppet/identify.ts';
import { commandOf } from '../repeat/command.ts';
import { commandKey } from '../state/records.ts';
import { readSettings } from '../state/settings.ts';
import type { Scope } from './cancel.ts';

/**
 * All that is pending for the command of the Puppet run that calls this process, whatever its FACTER variables are, and below each `again run` that this process is below. Of
 * a run that cannot be repeated nothing else is pending.
 */
export function scopeOfThisRun(): Scope {
  const ancestry = [...readAncestry(process.ppid)];
  const above = new Set(ancestry.map(({ id }) => id.pid));
  return { isMeant: isOfRun(ancestry), isMeantInForeground: ({ waiter }) => above.has(waiter.pid) };
}

function isOfRun(ancestry: Parameters<typeof identifyRun>[0]): Scope['isMeant'] {
  try {
    const user = process.getuid?.() ?? 0;
    const key = commandKey(commandOf(identifyRun(ancestry, user), user, readSettings().puppetVersion));
    return ({ command }) => commandKey(command) === key;
  } catch (error) {
    if (error instanceof Refusal) return () => false;
    throw error;
  }
}
