import { readAncestry } from '../os/process.ts';
import { Refusal } from '../os/refusal.ts';
import { identifyRun } from '../puppet/identify.ts';
import { commandOf } from '../repeat/command.ts';
import { type CommandRecord, commandKey } from '../state/records.ts';
import { readSettings } from '../state/settings.ts';

/**
 * Whether a record is of the command of the Puppet run that calls this process, whatever its FACTER variables are. Of a run that cannot be repeated there is
 * none.
 */
export function findOwnRecords(): (record: CommandRecord) => boolean {
  try {
    const user = process.getuid?.() ?? 0;
    const run = identifyRun(readAncestry(process.ppid), user);
    const key = commandKey(commandOf(run, user, readSettings().puppetVersion));
    return ({ command }) => commandKey(command) === key;
  } catch (error) {
    if (error instanceof Refusal) return () => false;
    throw error;
  }
}
