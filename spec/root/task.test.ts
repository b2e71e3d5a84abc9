import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../unit/state/temporary.ts';

// Each starts dozens of programs, also on a machine that others keep busy.
vi.setConfig({ testTimeout: 60_000 });

// Only root can give files to other users.
beforeAll(() => {
  if (process.getuid?.() !== 0) throw new Error('these tests need root: they give files to other users');
});

const STRANGER = 12345;
const shells: readonly (readonly [string, ...string[]])[] = [
  ['dash'],
  ['bash', '--posix'],
  ['busybox', 'sh'],
  ['ksh'],
];

/** The answer of the task when a shell runs it, with `local` in the place of /usr/local/sbin. */
function answer({
  folder = '',
  local = '',
  shell = ['dash'] as readonly string[],
  user = 0,
  variables = {} as Record<string, string>,
}): unknown {
  const place = temporaryFolder();
  const script = join(place, 'again.sh');
  copyFileSync('tasks/again.sh', script);
  for (const path of [place, script]) chmodSync(path, 0o755);
  const [program = '', ...args] = shell;
  // Nothing of this machine's own is in the way.
  const mount = `for folder in /var/lib/puppet /usr/local/sbin; do
  test ! -d $folder || mount -t tmpfs tmpfs $folder
done
test -z "$1" || mount --bind "$1" /usr/local/sbin
shift
exec "$@"`;
  const { stdout, stderr } = spawnSync(
    'unshare',
    [
      ...['--mount', '--propagation', 'private', 'sh', '-c', mount, 'sh', local],
      ...['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', program, ...args, script],
    ],
    { env: { PT_folder: folder, PATH: '/usr/bin:/bin', ...variables }, encoding: 'utf8' },
  );
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

const runs = { pending: ['ran'] };
const refused = (text: RegExp) => ({
  _error: { kind: 'common/again', msg: expect.stringMatching(text), details: {} },
});

/** A folder with a stand-in for the executable, below folders that only root can change, in /tmp. */
function folderWith(mode = 0o755): string {
  const folder = join(temporaryFolder(), 'b/again');
  mkdirSync(folder, { recursive: true });
  chmodSync(dirname(dirname(folder)), 0o755);
  writeFileSync(join(folder, 'again'), '#!/bin/sh\necho \'["ran"]\'\n');
  chmodSync(join(folder, 'again'), mode);
  return folder;
}

describe.each(shells)('the task, by %s', (...shell) => {
  test("runs root's executable, in root's folders", () => {
    expect(answer({ shell, folder: folderWith() })).toEqual(runs);
  });

  test.each([
    ['the file', ''],
    ['the folder', '..'],
    ['a folder above', '../..'],
  ])("doesn't run it where %s is another user's", (_, where) => {
    const folder = folderWith();
    chownSync(join(folder, 'again', where), STRANGER, STRANGER);
    expect(answer({ shell, folder })).toEqual(refused(/^\/.*\/again is not run as root: \/.* user 12345/));
  });

  test('nor where every user can change the file, the folder, or one above', () => {
    for (const where of ['again', '.', '..']) {
      const folder = folderWith();
      chmodSync(join(folder, where), 0o777);
      expect(answer({ shell, folder })).toEqual(refused(/can be changed by every user \(.rwxrwxrwx\)/));
    }
  });

  test("nor where the members of a group can, unless it is root's", () => {
    const folder = folderWith();
    chmodSync(folder, 0o775);
    expect(answer({ shell, folder })).toEqual(runs);
    chownSync(folder, 0, STRANGER);
    expect(answer({ shell, folder })).toEqual(refused(/can be changed by group 12345 \(drwxrwxr-x\)/));
  });

  test('nor through a link that another user can change, to whatever it leads', () => {
    const folder = folderWith();
    const his = temporaryFolder();
    chownSync(his, STRANGER, STRANGER);
    symlinkSync(folder, join(his, 'link'));
    expect(answer({ shell, folder: join(his, 'link') })).toEqual(refused(/user 12345/));

    // Through two links: the first one is root's.
    const roots = temporaryFolder();
    symlinkSync(join(his, 'link'), join(roots, 'link'));
    expect(answer({ shell, folder: join(roots, 'link') })).toEqual(refused(/user 12345/));

    // A folder that is sticky keeps a link of root's, and not another user's.
    const shared = temporaryFolder();
    chmodSync(shared, 0o1777);
    symlinkSync(folder, join(shared, 'link'));
    expect(answer({ shell, folder: join(shared, 'link') })).toEqual(runs);
    spawnSync('chown', ['-h', String(STRANGER), join(shared, 'link')]);
    expect(answer({ shell, folder: join(shared, 'link') })).toEqual(refused(/user 12345/));
  });

  test("root's links are followed as the kernel does", () => {
    const folder = folderWith();
    const roots = temporaryFolder();
    symlinkSync(`../${roots.split('/').at(-1)}/./one//`, join(roots, 'two'));
    symlinkSync(dirname(folder), join(roots, 'one'));
    expect(answer({ shell, folder: `${roots}/two/../b//again/` })).toEqual(runs);
    symlinkSync('circle', join(roots, 'circle'));
    expect(answer({ shell, folder: join(roots, 'circle') })).toEqual(refused(/^there is no /));
  });

  test("what root's link in /usr/local/sbin leads to must be root's, and so must the link", () => {
    const local = temporaryFolder();
    chmodSync(local, 0o755);
    const folder = folderWith();
    symlinkSync(join(folder, 'again'), join(local, 'again'));
    expect(answer({ shell, local })).toEqual(runs);
    chownSync(folder, STRANGER, STRANGER);
    expect(answer({ shell, local })).toEqual(
      refused(/^\/usr\/local\/sbin\/again is not run as root: .* user 12345/),
    );
    chownSync(folder, 0, 0);
    chownSync(local, STRANGER, STRANGER);
    expect(answer({ shell, local })).toEqual(refused(/: \/usr\/local\/sbin can be changed by user 12345/));
  });

  test("an ordinary user's own counts for that user, and for nobody else", () => {
    const folder = folderWith();
    for (const where of ['again', '.']) chownSync(join(folder, where), STRANGER, STRANGER);
    expect(answer({ shell, folder, user: STRANGER })).toEqual(runs);
    expect(answer({ shell, folder, user: STRANGER + 1 })).toEqual(refused(/user 12345/));
  });

  test('an ordinary user is told to be root where the executable is not seen, or not that user’s to run', () => {
    const folder = folderWith(0o754);
    const advice = 'apply common::again there with Puppet, or give the parameter folder';
    const asRoot = `run the task as root \\(--run-as root\\), ${advice}`;
    const who = `user ${STRANGER}`;
    const says = (text: string) => refused(new RegExp(`^${text}$`));
    const ask = (user: number, at = folder) => answer({ shell, folder: at, user });
    expect(ask(0)).toEqual(runs);
    expect(ask(STRANGER)).toEqual(
      says(`${folder}/again is not an executable that ${who} can run: ${asRoot}`),
    );
    // As Debian's /var/lib/puppet.
    chmodSync(dirname(folder), 0o750);
    expect(ask(0)).toEqual(runs);
    expect(ask(STRANGER)).toEqual(
      says(`there is no ${folder}/again, or ${who} may not look there: ${asRoot}`),
    );
    expect(ask(0, '/nonexistent')).toEqual(says(`there is no /nonexistent/again: ${advice}`));
  });

  test('a hold is asked for, begun and ended, and what is pending is due now: each by words that are data', () => {
    const folder = folderWith();
    const said = join(folder, 'said');
    // A stand-in that writes down its words, and has begun a hold.
    writeFileSync(
      join(folder, 'again'),
      `#!/bin/sh
case $* in
  'status --hold --json') echo '{"until":"soon"}' ;;
  'status --json') echo '[]' ;;
  *) printf '%s|' "$@" >> ${said}; echo >> ${said}; printf 'done\nwell\n' ;;
esac
`,
    );
    const hold = { hold: { until: 'soon' }, pending: [] };
    const task = (variables: Record<string, string>) => answer({ shell, folder, variables });
    expect(task({})).toEqual(hold);
    const done = { _output: 'done well', ...hold };
    for (const variables of [
      { PT_action: 'hold' },
      { PT__task: 'common::again_hold', PT_for: '2h', PT_reason: '--for=1d $(id) "x"' },
      { PT__task: 'common::again_release', PT_action: 'cancel', PT_all: 'true' },
      { PT_action: 'due' },
      { PT__task: 'common::again_now', PT_name: '-5' },
    ] as Record<string, string>[])
      expect(task(variables), JSON.stringify(variables)).toEqual(done);
    expect(readFileSync(said, 'utf8').split('\n')).toEqual([
      'hold|',
      'hold|--for=2h|--|--for=1d $(id) "x"|',
      'release|',
      'now|',
      'now|--|-5|',
      '',
    ]);
  });

  test('a run that is going is joined, also while the agent is disabled, and followed until it has ended', () => {
    const folder = folderWith();
    const at = (name: string) => join(folder, name);
    standInForPuppet(folder);
    // And one for its run.
    copyFileSync('/bin/sleep', at('puppet'));
    const run = spawn(at('puppet'), ['600'], { stdio: 'ignore' });
    try {
      writeFileSync(at('lock'), String(run.pid));
      writeFileSync(at('disabled'), '{}');
      utimesSync(at('lock'), 1700000000, 1700000000);
      const task = (variables: Record<string, string>) => answer({ shell, folder, variables });
      for (const action of ['run', 'now'])
        expect(task({ PT_action: action })).toEqual({ pid: run.pid, time: 1700000000, joined: true });
      const seen = { pending: ['ran'], history: ['ran'], report: null };
      expect(task({ PT__task: 'common::again_progress' })).toEqual({ running: run.pid, ...seen });

      // A lock whose process is no Puppet is a lock that was left behind.
      writeFileSync(at('lock'), String(process.pid));
      writeFileSync(at('report'), "---\nstatus: changed\ntime: '2023-11-14T22:13:19+00:00'\n");
      utimesSync(at('report'), 1700000001, 1700000001);
      expect(task({ PT__task: 'common::again_progress' })).toEqual({
        running: null,
        ...seen,
        report: { status: 'changed', time: 1700000001 },
      });
      expect(task({ PT_action: 'run' })).toEqual(refused(/^the agent is disabled: /));
    } finally {
      run.kill();
    }
  });

  test('what a console keeps has no command line of Puppet, and none of a condition', () => {
    const folder = folderThatSays([
      {
        name: 'later',
        command: 'puppet apply -e "class { secret: word => \'x\' }"',
        link: 1,
        condition: { what: '/a `b` exists, and `/bin/sh -c \'echo `id` \\"x\\"\'` succeeds', met: false },
      },
      { name: '"command": "y"', command: 'puppet agent -t', link: 2 },
    ]);
    const shown = [
      { name: 'later', link: 1, condition: { what: '/a its command succeeds', met: false } },
      { name: '"command": "y"', link: 2 },
    ];
    expect(answer({ shell, folder })).toEqual({ pending: shown });
    const described = answer({ shell, folder, variables: { PT__task: 'common::again_status' } });
    expect(described).toMatchObject({ pending: shown });
  });

  test.each(['', 'cannot say', '[\n'])(
    'an executable that ends well and says %j instead of a list: the task fails in one line',
    (said) => {
      const folder = folderThatSays([]);
      writeFileSync(join(folder, 'pending'), said);
      expect(answer({ shell, folder })).toEqual(refused(/again status --json` has printed no list$/));
    },
  );

  test('nor has what the plan is told of the newest rerun', () => {
    const shown = [
      { startedAt: 't', names: ['later'], link: 1, pid: 7, failure: null },
      { startedAt: 'u', names: ['"command": "y"'], link: 2, pid: 8, failure: 'lost: its waiter was killed' },
    ];
    const command = "puppet apply -e 'class { secret: }'";
    const history = shown.map(({ startedAt, ...rest }) => ({ startedAt, command, ...rest }));
    const folder = folderThatSays([], history);
    standInForPuppet(folder);
    const told = answer({ shell, folder, variables: { PT__task: 'common::again_progress' } });
    expect(told).toMatchObject({ history: shown });
    expect(JSON.stringify(told)).not.toContain('secret');
  });

  test('_noop says what would be done, and asks for nothing but what is pending', () => {
    const pending = [{ name: "Exec['again']" }, { name: 'it\'s "a" \\ name, \u00fc' }, { name: 'again' }];
    const folder = folderThatSays(pending.map((one) => ({ ...one, link: 1 })));
    const would = (variables: Record<string, string>) =>
      answer({ shell, folder, variables: { PT__noop: 'true', ...variables } });
    const says = (text: string) => ({ _output: text, pending: pending.map((one) => ({ ...one, link: 1 })) });

    const all = "Exec['again'], it's \"a\" \\ name, \u00fc, again";
    expect(would({ PT_action: 'cancel', PT_all: 'true' })).toEqual(says(`Would cancel: ${all}`));
    expect(would({ PT_action: 'due' })).toEqual(says(`Would be due now: ${all}`));
    expect(would({ PT__task: 'common::again_cancel', PT_name: pending[1]?.name ?? '' })).toEqual(
      says('Would cancel: it\'s "a" \\ name, \u00fc'),
    );
    expect(would({ PT__task: 'common::again_now', PT_name: 'again' })).toEqual(
      says("Would be due now: Exec['again'], again"),
    );
    expect(would({ PT_action: 'cancel', PT_name: 'a' })).toEqual(
      refused(/^nothing is pending under the name "a": see `again status`$/),
    );
    expect(would({ PT_action: 'cancel' })).toEqual(refused(/^cancel needs either a name or all=true$/));
    expect(would({ PT_action: 'hold', PT_for: '45m', PT_reason: 'x' })).toEqual(
      says('Would keep every rerun from starting, for 45m'),
    );
    expect(would({ PT__task: 'common::again_hold', PT_for: '1"\\d' })).toEqual(
      says('Would keep every rerun from starting, for 1"\\d'),
    );
    expect(would({ PT__task: 'common::again_release' })).toEqual(says('Nothing is held.'));
    writeFileSync(join(folder, 'hold'), '{"since":"a","until":"b"}');
    expect(would({ PT_action: 'release' })).toEqual({
      ...says('Would end the hold'),
      hold: { since: 'a', until: 'b' },
    });
    writeFileSync(join(folder, 'pending'), '[]');
    expect(would({ PT_action: 'due' })).toMatchObject({ _output: 'Nothing is pending.', pending: [] });
    expect(asked(folder).filter((words) => !words.startsWith('status '))).toEqual([]);
  });

  test('a run that was begun counts as going before it has its lock, and is joined; with _noop none is begun', () => {
    const folder = folderThatSays([]);
    standInForPuppet(folder, 'exec sleep 600');
    const task = (variables: Record<string, string>) => answer({ shell, folder, variables });
    const progress = () => task({ PT__task: 'common::again_progress' });

    expect(task({ PT_action: 'run', PT__noop: 'true' })).toEqual({
      _output: 'Would start a run of the agent',
    });
    expect(progress()).toMatchObject({ running: null });
    const { pid } = task({ PT__task: 'common::again_run' }) as { pid: number };
    const notes = join(folder, 'state/begun');
    try {
      expect(progress()).toMatchObject({ running: pid });
      const time = Math.floor(statSync(notes).mtimeMs / 1000);
      expect(task({ PT_action: 'run' })).toEqual({ pid, time, joined: true });
    } finally {
      process.kill(pid, 'SIGKILL');
    }
    // Its number may come again; that is another process.
    expect(readFileSync(notes, 'utf8')).toMatch(new RegExp(`^${pid} \\d+\n$`));
    expect(statSync(notes).mode & 0o777).toBe(0o600);
    writeFileSync(notes, `${process.pid} 1\n`);
    expect(progress()).toMatchObject({ running: null });
    writeFileSync(notes, 'x\n');
    expect(progress()).toMatchObject({ running: null });
    writeFileSync(join(folder, 'disabled'), '{}');
    expect(task({ PT_action: 'run', PT__noop: 'true' })).toEqual(refused(/^the agent is disabled: /));
  });

  test('of the logs of runs that it has begun, the newest 20 are kept; those of reruns are left alone', () => {
    const folder = folderThatSays([]);
    standInForPuppet(folder, 'exit 0');
    const logs = join(folder, 'state/logs');
    // What can't be removed is no failure.
    mkdirSync(join(logs, '20251231T000000Z-now-1.log'), { recursive: true });
    const before = Array.from({ length: 25 }, (_, second) => `20260101T0000${second + 10}Z-now-1.log`);
    for (const name of ['20250101T000000Z-5e1ec7.log', ...before]) writeFileSync(join(logs, name), '');

    const { log } = answer({ shell, folder, variables: { PT_action: 'run' } }) as { log: string };
    expect(readdirSync(logs).sort()).toEqual([
      '20250101T000000Z-5e1ec7.log',
      '20251231T000000Z-now-1.log',
      ...before.slice(-19),
      basename(log),
    ]);
  });
});

/** A folder with a stand-in for the executable, which says that this is pending and past, notes what it is asked, and knows of a hold what lies beside it. */
function folderThatSays(pending: readonly object[], history: readonly object[] = []): string {
  const folder = folderWith();
  writeFileSync(join(folder, 'pending'), JSON.stringify(pending, undefined, 2));
  writeFileSync(join(folder, 'history'), JSON.stringify(history, undefined, 2));
  const script = `#!/bin/sh
here=\${0%/*}
echo "$*" >> $here/asked
case $* in
  'status --hold --json') cat $here/hold ;;
  'status --json') cat $here/pending ;;
  'history -n 1 --json') cat $here/history ;;
  *) echo done ;;
esac
`;
  writeFileSync(join(folder, 'again'), script);
  return folder;
}

/** Puts a stand-in for Puppet beside the executable, which says where its locks and its report are, and runs by this script. */
function standInForPuppet(folder: string, run = 'exit 1'): void {
  const files = {
    agent_catalog_run_lockfile: 'lock',
    agent_disabled_lockfile: 'disabled',
    lastrunreport: 'report',
  };
  const places = Object.entries(files).map(([setting, file]) => `echo ${setting} = ${join(folder, file)}`);
  const script = join(folder, 'stub');
  writeFileSync(script, `if [ "$1" = config ]; then\n${places.join('\n')}\nexit\nfi\n${run}\n`);
  writeFileSync(join(folder, 'again.json'), `{\n  "puppet": ["/bin/sh", "${script}"],\n}\n`);
}

const asked = (folder: string) => readFileSync(join(folder, 'asked'), 'utf8').trim().split('\n');
