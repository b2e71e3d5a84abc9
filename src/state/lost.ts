import type { LoggedEvent } from '../os/journal.ts';
import { here } from '../os/place.ts';
import { describeCommand } from '../puppet/describe.ts';
import { displayNames } from '../schedule/names.ts';
import { writePastRerun } from './history.ts';
import type { Lost } from './sweep.ts';

/** Notes a lost rerun among the past ones, and returns the line for the journal. */
export function reportLost(folder: string): (lost: Lost) => LoggedEvent {
  return ({ record, because }) => {
    const { command, entries, boot, waiter, chain, log } = record;
    const { machine, pidNamespace } = here(); // who reports it is who shows it
    const text = describeCommand(command);
    writePastRerun(folder, {
      version: 1,
      id: log.replace(/\.log$/, ''),
      boot,
      machine,
      pidNamespace,
      startedAt: new Date().toISOString(),
      ...waiter,
      command: text,
      names: entries.map((entry) => entry.name ?? null),
      chain,
      link: Math.max(1, ...entries.map((entry) => entry.link)),
      unit: null,
      failure: `lost: ${because}`,
      reportFile: '',
    });
    return ['lost', `${displayNames(entries)}: ${because} before \`${text}\` could run again`];
  };
}
