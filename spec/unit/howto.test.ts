import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Pending } from '../../src/cli/pending.ts';
import { filesBelow, shownBelow } from '../support/howto.ts';
import { past } from './cli/past.ts';
import { temporaryFolder } from './state/temporary.ts';

const scripts = filesBelow('Be told of a failed rerun', 'sh');

/** The answers of `again`. */
interface Answers {
  readonly pending?: readonly unknown[];
  readonly hold?: unknown;
  readonly history?: readonly unknown[];
  /** Instead of all that. */
  readonly refusal?: string;
}

/** Runs a script of the page, with an `again` that answers as the real one prints it. */
function run(path: string, { pending = [], hold = null, history = [], refusal }: Answers, ...args: string[]) {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'bin'));
  const answer = (value: unknown) => `cat <<'end'\n${JSON.stringify(value, undefined, 2)}\nend\n`;
  writeFileSync(
    join(folder, 'bin/again'),
    `#!/bin/sh
${refusal === undefined ? '' : `echo '${refusal}' >&2; exit 1`}
case $* in
  'status --json') ${answer(pending)};;
  'status --hold --json') ${answer(hold)};;
  'history --json -n 1') ${answer(history)};;
  *) echo "again: wrong: $*" >&2; exit 64 ;;
esac
`,
    { mode: 0o755 },
  );
  const script = join(folder, 'script');
  writeFileSync(script, scripts.get(path) ?? 'exit 99', { mode: 0o755 });
  const { status, stdout, stderr } = spawnSync(script, args.length > 0 ? args : [folder], {
    encoding: 'utf8',
    env: { PATH: `${folder}/bin:/usr/bin:/bin` },
  });
  expect(stderr).toBe('');
  return { status, stdout, read: (name: string) => readFileSync(join(folder, name), 'utf8') };
}

const pending = (link: number): Partial<Pending> => ({
  name: 'peers',
  dueIn: 5,
  waitsFor: { kind: 'lock', pid: 1 },
  link,
  chain: 'c0ffee',
});
const HOLD = { since: '2026-11-22T08:00:00.000Z', until: '2026-11-22T09:00:00.000Z' };

describe('the metrics for Prometheus', () => {
  const metrics = (input: Parameters<typeof run>[1]) => {
    const { status, read } = run('/usr/local/sbin/again-metrics', input);
    expect(status).toBe(0);
    const lines = read('again.prom').trimEnd().split('\n');
    return Object.fromEntries(lines.filter((line) => !line.startsWith('#')).map((line) => line.split(' ')));
  };

  test('of a node on which nothing was run again yet', () => {
    expect(metrics({})).toEqual({
      again_pending: '0',
      again_held: '0',
      again_last_rerun_failed: '0',
      again_last_rerun_link: '0',
      again_last_rerun_seconds: 'NaN',
    });
  });

  test('of a node that is held, with two that are pending and one that failed', () => {
    const history = [past(7, 0, { result: 'failed', duration: 12.5 })];
    expect(metrics({ pending: [pending(8), { ...pending(8), hold: HOLD }], hold: HOLD, history })).toEqual({
      again_pending: '2',
      again_held: '1',
      again_last_rerun_failed: '1',
      again_last_rerun_link: '7',
      again_last_rerun_seconds: '12.5',
    });
  });

  test.each([
    ['not run: the manifest "x" is gone', '1'],
    ['changed', '0'],
    ['unknown', '0'],
  ])('of a rerun whose result is %s', (result, failed) => {
    expect(metrics({ history: [past(1, 0, { result, duration: null })] })).toMatchObject({
      again_last_rerun_failed: failed,
      again_last_rerun_seconds: 'NaN',
    });
  });
});

describe('the check for Icinga', () => {
  test.each<[string, Parameters<typeof run>[1], number, string]>([
    ['nothing yet', {}, 0, 'OK: the newest rerun of Puppet: none yet\n'],
    ['one that went well', { history: [past(1, 0)] }, 0, 'OK: the newest rerun of Puppet: changed\n'],
    [
      'one that failed',
      { history: [past(1, 0, { result: 'failed' })], pending: [pending(12)] },
      2,
      'CRITICAL: the newest rerun of Puppet: failed\n',
    ],
    [
      'one that was none',
      { history: [past(1, 0, { result: 'not run: no room' })] },
      2,
      'CRITICAL: the newest rerun of Puppet: not run: no room\n',
    ],
    [
      'a chain that backs off',
      { history: [past(10, 0)], pending: [pending(2), pending(11)] },
      1,
      'WARNING: rerun 11 in a row is pending\n',
    ],
    ['a chain within its burst', { pending: [pending(10)] }, 0, 'OK: the newest rerun of Puppet: none yet\n'],
  ])('%s', (_, input, status, stdout) => {
    expect(run('/usr/local/lib/nagios/plugins/check_again', input)).toMatchObject({ status, stdout });
  });
});

test('the check where the user may not ask, as without `sudo`', () => {
  expect(
    run('/usr/local/lib/nagios/plugins/check_again', { refusal: 'again: it is not yours' }),
  ).toMatchObject({
    status: 3,
    stdout: 'UNKNOWN: again: it is not yours\n',
  });
});

test('the page shows two scripts, two queries, and the units of a window and of a reboot', () => {
  expect(scripts.size).toBe(2);
  expect(shownBelow('Be told of a failed rerun', 'pql')).toHaveLength(2);
  expect([...filesBelow('A maintenance window', 'ini').keys()]).toEqual(
    ['hold-reruns.service', 'hold-reruns.timer', 'release-reruns.service', 'release-reruns.timer'].map(
      (name) => `/etc/systemd/system/${name}`,
    ),
  );
  expect([...filesBelow('Reboot, and go on', 'ini').keys()]).toEqual([
    '/etc/systemd/system/puppet-run.service',
    '/etc/systemd/system/puppet-run.timer',
  ]);
});
