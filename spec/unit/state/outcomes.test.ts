import { execFileSync } from 'node:child_process';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { newestRerun, type PastRerun, readHistory, writePastRerun } from '../../../src/state/history.ts';
import { eventOf, failureIn, settleOutcomes, type UnitOutcome } from '../../../src/state/outcomes.ts';
import { temporaryFolder } from './temporary.ts';

const BEGAN = Date.UTC(2026, 0, 2, 3, 4, 5);

/** A rerun of a process that has ended. */
const past = (more: Partial<PastRerun> = {}): PastRerun => ({
  version: 1,
  id: '20260102T030405Z-0a1b2c',
  boot: 'another',
  startedAt: new Date(BEGAN).toISOString(),
  pid: 4711,
  start: 1,
  command: 'puppet agent --test',
  names: [null, 'later'],
  chain: 'c0ffee',
  link: 3,
  unit: null,
  failure: null,
  reportFile: '/nowhere',
  ...more,
});

describe('what the journal is told of the end of a rerun', () => {
  const failed = { status: 'failed', seconds: 4.5 };
  test.each<[string, Partial<PastRerun>, ReturnType<typeof eventOf>]>([
    ['it ended well', { outcome: { status: 'changed', seconds: 1 } }, undefined],
    ['nothing changed', { outcome: { status: 'unchanged', seconds: 1 } }, undefined],
    ['its end is not known', {}, undefined],
    [
      'it failed',
      { outcome: failed },
      [
        'rerun failed',
        "Exec['again'], later: `puppet agent --test` has failed (rerun 3 in a row, 2026-01-02T03:04:05.000Z, 4.5 s): see `again log 20260102T030405Z-0a1b2c`",
      ],
    ],
    [
      'it was a unit, and failed',
      { outcome: failed, unit: 'run.service', names: ['x'] },
      [
        'rerun failed',
        'x: `puppet agent --test` has failed (rerun 3 in a row, 2026-01-02T03:04:05.000Z, 4.5 s): see `journalctl -u run.service`; output as run.service has it',
      ],
    ],
    ['it could not be started', { failure: 'no room' }, ['failed', "Exec['again'], later: no room"]],
    ['it was killed on its way', { failure: 'lost: it was killed on its way to Puppet' }, undefined],
  ])('%s', (_, more, event) => {
    expect(eventOf(past(more))).toEqual(event);
  });
});

/** systemd that knows nothing of a unit. */
const unknown = async () => undefined;

describe('the end of a rerun', () => {
  /** A state folder with one rerun, and the report of a run that began so many seconds after it and took so long. */
  function stateWith(began: number, seconds: number, status = 'changed', more: Partial<PastRerun> = {}) {
    const folder = temporaryFolder();
    for (const name of ['history', 'logs', 'commands']) mkdirSync(join(folder, name));
    const reportFile = join(folder, 'report');
    const time = new Date(BEGAN + began * 1000).toISOString().replace('Z', '000000+00:00');
    writeFileSync(
      reportFile,
      `--- !ruby/object:Puppet::Transaction::Report\ntime: '${time}'\nstatus: ${status}\n`,
    );
    const written = BEGAN / 1000 + began + seconds;
    utimesSync(reportFile, written, written);
    writePastRerun(folder, past({ reportFile, ...more }));
    return folder;
  }

  test('is noted by its report', async () => {
    const folder = stateWith(1, 7);
    await settleOutcomes(folder, unknown);
    expect(readHistory(folder)).toMatchObject([
      { outcome: { status: 'changed', seconds: 8 }, failure: null },
    ]);
  });

  test.each<[string, number, number]>([
    ['began before it', -60, 600],
    ['began long after it', 3600, 5],
    ['was written before it began', -600, 5],
  ])('stays unknown where the report is of a run that %s', async (_, began, seconds) => {
    const folder = stateWith(began, seconds);
    await settleOutcomes(folder, unknown);
    expect(readHistory(folder)[0]?.outcome).toBeUndefined();
  });

  test.each<[string, number, number, number, string | undefined]>([
    ['is unknown where another run began after the last line of its log', 20, 2, 30, undefined],
    ['is noted where the run wrote to its log just before', 20, 25, 30, 'changed'],
    ['is noted where the server took the report only minutes later', 1, 5, 305, 'changed'],
    ['is noted where its log has a line only of the time before Puppet began', 4, 3, 9, 'changed'],
  ])('%s', async (_, began, line, written, status) => {
    const folder = stateWith(began, written - began);
    const log = join(folder, 'logs/20260102T030405Z-0a1b2c.log');
    writeFileSync(log, `${HEAD}Notice: something\n`);
    utimesSync(log, BEGAN / 1000 + line, BEGAN / 1000 + line);
    await settleOutcomes(folder, unknown);
    expect(readHistory(folder)[0]?.outcome?.status).toBe(status);
  });

  test('is told by its log where it has left no report', async () => {
    const folder = stateWith(-600, 5);
    writeFileSync(join(folder, 'logs/20260102T030405Z-0a1b2c.log'), `${HEAD}env: x: Permission denied\n`);
    await settleOutcomes(folder, unknown);
    expect(readHistory(folder)).toMatchObject([
      { failure: 'the command could not be started (x: Permission denied)' },
    ]);
  });

  test('stays unknown, and is not waited for, where a pipe has the name of its log', async () => {
    const folder = stateWith(-600, 5);
    execFileSync('mkfifo', [join(folder, 'logs/20260102T030405Z-0a1b2c.log')]);
    await settleOutcomes(folder, unknown);
    expect(readHistory(folder)[0]).toMatchObject({ failure: null });
    expect(readHistory(folder)[0]?.outcome).toBeUndefined();
  });

  describe('of a unit', () => {
    const unit = { unit: 'run.service', invocation: 'a1' };

    test.each<[string, UnitOutcome, string, PastRerun['outcome']]>([
      [
        'that ended well is what the report says, as long as the unit took',
        { kind: 'ended', result: 'success', exitCode: 2, seconds: 20 },
        'changed',
        { status: 'changed', seconds: 20, result: 'success', exitCode: 2 },
      ],
      [
        'that failed has failed, whatever the report says',
        { kind: 'ended', result: 'exit-code', exitCode: 1, seconds: 20 },
        'changed',
        { status: 'failed', seconds: 20, result: 'exit-code', exitCode: 1 },
      ],
      ['that goes on is not known yet', { kind: 'going' }, 'changed', undefined],
    ])('%s', async (_, seen, status, outcome) => {
      const folder = stateWith(1, 7, status, unit);
      await settleOutcomes(folder, async () => seen);
      expect(readHistory(folder)[0]?.outcome).toEqual(outcome);
    });

    test('without a report has succeeded', async () => {
      const folder = stateWith(-600, 5, 'changed', unit);
      await settleOutcomes(folder, async () => ({
        kind: 'ended',
        result: 'success',
        exitCode: 0,
        seconds: 3,
      }));
      expect(readHistory(folder)[0]?.outcome?.status).toBe('succeeded');
    });

    test('that systemd does not know any more is what the report says', async () => {
      const folder = stateWith(1, 7, 'unchanged', unit);
      await settleOutcomes(folder, unknown);
      expect(readHistory(folder)[0]?.outcome).toEqual({ status: 'unchanged', seconds: 8 });
    });

    test('is asked for only until it is noted', async () => {
      const folder = stateWith(1, 7, 'unchanged', unit);
      let asked = 0;
      const ask = async () => {
        asked += 1;
        return undefined;
      };
      await settleOutcomes(folder, ask);
      await settleOutcomes(folder, ask);
      expect(asked).toBe(1);
    });
  });

  test('is no reason to fail where there is no folder', async () => {
    await expect(settleOutcomes('/nonexistent', unknown)).resolves.toBeUndefined();
  });
});

const HEAD = 'again: 2026-01-02T03:04:05.678Z runs puppet agent --onetime\n';

describe('the log of a rerun that has left no report', () => {
  test.each([
    [
      'the kernel refused it',
      'process.execve failed with error code ENOENT\n',
      'the command could not be started (ENOENT)',
    ],
    [
      'env(1) could not start it',
      'env: ‘/usr/bin/ruby’: Permission denied\n',
      'the command could not be started (‘/usr/bin/ruby’: Permission denied)',
    ],
    [
      'the journal was gone when systemd-cat asked for it',
      'Failed to create stream fd: No such file or directory\n',
      'the command could not be started (systemd-cat: No such file or directory)',
    ],
    [
      'Ruby could not become it',
      'again: /usr/bin/ruby cannot be run: No such file or directory\n',
      'the command could not be started (/usr/bin/ruby cannot be run: No such file or directory)',
    ],
    [
      'Puppet does not know an option any more',
      '\u001b[1;31mError: Could not parse application options: invalid option: --pluginsync\nDid you mean?  pluginsource\u001b[0m\n',
      'refused by Puppet: Could not parse application options: invalid option: --pluginsync',
    ],
    [
      'Puppet skipped the run',
      'Notice: Run of Puppet configuration client already in progress; skipping  (/x.lock exists)\n',
      'skipped by Puppet: Run of Puppet configuration client already in progress; skipping  (/x.lock exists)',
    ],
    ['Puppet says something else', 'Error: Could not retrieve catalog\n', undefined],
    [
      'an Exec of Puppet says it',
      'Notice: /Stage[main]/Main/Exec[x]/returns: again: not started by Puppet\n',
      undefined,
    ],
    ['there is nothing', '', undefined],
  ])('%s', (_, log, failure) => {
    expect(failureIn(HEAD + log)).toBe(failure);
  });
});

test('the newest rerun is the one that was written last, though it was asked for first', () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'history'));
  const [asked, later] = ['20260101T000000Z-000000', '20260102T000000Z-000000'];
  writePastRerun(folder, past({ id: later, startedAt: '2026-01-02T00:00:00.000Z' }));
  utimesSync(join(folder, `history/${later}.json`), 1000, 1000);
  writePastRerun(folder, past({ id: asked, startedAt: '2026-01-03T00:00:00.000Z' }));
  expect(newestRerun(folder)?.id).toBe(asked);
  expect(readHistory(folder).map(({ id }) => id)).toEqual([later, asked]);
});
