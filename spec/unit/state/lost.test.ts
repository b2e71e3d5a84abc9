import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { here } from '../../../src/os/place.ts';
import { readHistory } from '../../../src/state/history.ts';
import { reportLost } from '../../../src/state/lost.ts';
import type { CommandRecord } from '../../../src/state/records.ts';
import type { Lost } from '../../../src/state/sweep.ts';
import { entry } from '../schedule/entries.ts';
import { record } from './record.ts';
import { temporaryFolder } from './temporary.ts';

function historyFolder(): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'history'));
  return folder;
}

const lost = (changes: Partial<CommandRecord> = {}, because: Lost['because'] = 'its waiter was killed') => ({
  ...{ id: 'aaaaaaaaaaaaaaaa', record: record(changes), because },
});

test.each<[string, Lost, string]>([
  ['one name', lost(), 'n: its waiter was killed before `puppet agent -t` could run again'],
  [
    "several, and Exec['again']",
    lost({ entries: [entry(), entry({ name: 'a' })] }, 'the machine was rebooted'),
    "Exec['again'], a: the machine was rebooted before `puppet agent -t` could run again",
  ],
])('the journal is told what is lost and why: %s', (_, found, text) => {
  expect(reportLost(historyFolder())(found)).toEqual(['lost', text]);
});

test('the history has it as a rerun that failed, under the name of its log, with its longest link', () => {
  const folder = historyFolder();
  const before = Date.now();
  const entries = [entry({ link: 2 }), entry({ name: 'a', link: 5 })];
  reportLost(folder)(lost({ entries }, 'its container was restarted'));
  const { waiter, boot, chain } = record();
  const { machine, pidNamespace } = here();
  const [past, ...others] = readHistory(folder);
  expect(past).toEqual({
    ...{ machine, pidNamespace },
    ...{ version: 1, id: '20261122T080910Z-abcdef', boot, startedAt: expect.any(String), ...waiter },
    ...{ command: 'puppet agent -t', names: [null, 'a'], chain, link: 5, unit: null },
    ...{ failure: 'lost: its container was restarted', reportFile: '' },
  });
  expect(Date.parse(past?.startedAt ?? '')).toBeGreaterThanOrEqual(before);
  expect(others).toEqual([]);
});

test('where there is no room for that, the journal is told all the same', () => {
  expect(reportLost('/nonexistent')(lost())).toEqual([
    'lost',
    expect.stringMatching(/^n: its waiter was killed/),
  ]);
});
