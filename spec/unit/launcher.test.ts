import { spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HANDED_ON } from '../../src/os/handed-on.ts';
import { REALTIME_SET } from '../../src/os/signals.ts';
import { parseStatus } from '../../src/os/status.ts';
import { temporaryFolder } from './state/temporary.ts';

/** A folder with the launcher, and with a script in the executable's place that notes how it was started and gives this answer. */
function folderWith(answer: string): string {
  const folder = temporaryFolder();
  copyFileSync('files/again/notify', join(folder, 'notify'));
  const notes = ['environ', 'cmdline', 'stat', 'status'].map(
    (file) => `cat /proc/$$/${file} > ${folder}/${file}`,
  );
  const standIn = `#!/bin/sh\n${notes.join('\n')}\npwd > ${folder}/pwd\nprintf '%s' '${answer}' >&3\n`;
  writeFileSync(join(folder, 'again'), standIn, { mode: 0o755 });
  return folder;
}

/** Runs a command line of sh, in a session of its own as Puppet does. */
function start(commandLine: string, env: Record<string, string> = {}, cwd = '/usr') {
  const { status, stdout, stderr } = spawnSync('setsid', ['--wait', '/bin/sh', '-c', commandLine], {
    cwd,
    env: { PATH: '/usr/bin:/bin', ...env },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const noted = (folder: string, file: string) =>
  readFileSync(join(folder, file), 'latin1').split('\0').slice(0, -1);
const statOf = (folder: string) => readFileSync(join(folder, 'stat'), 'latin1').split(' ');

describe('the launcher', () => {
  test('tells `again` the arguments and its parent, from /', () => {
    const folder = folderWith('0 well');
    const { status, stdout, stderr } = start(`sh ${folder}/notify --name "a b"; echo $$`);
    expect([status, stderr]).toEqual([0, '']);
    const [text, pid] = stdout.split('\n');
    expect(text).toBe('well');
    expect(noted(folder, 'cmdline').slice(2)).toEqual(['--name', 'a b', '--parent', pid]);
    expect(readFileSync(join(folder, 'pwd'), 'utf8')).toBe('/\n');
  });

  test('leaves `again` in a folder that its user can’t enter again', () => {
    const folder = folderWith('0 well');
    const closed = temporaryFolder();
    // Root may enter each folder, unless these are taken from it.
    const without =
      'setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-dac_override,-dac_read_search';
    const line = process.getuid?.() === 0 ? `${without} sh ${folder}/notify` : `sh ${folder}/notify`;
    expect(start(`chmod 0600 .; ${line}`, {}, closed).stdout).toBe('well\n');
    expect(readFileSync(join(folder, 'pwd'), 'utf8')).toBe(`${closed}\n`);
  });

  test.each([
    ['as the leader of a session', (folder: string) => `exec sh ${folder}/notify`],
    ['in the session of a shell', (folder: string) => `sh ${folder}/notify; true`],
  ])('started %s, leaves `again` in a session without a terminal that is not the shell’s', (_, line) => {
    const folder = folderWith('0 well');
    const shell = start(`echo $$; ${line(folder)}`).stdout.split('\n')[0];
    const [pid, , , , , session, terminal] = statOf(folder);
    expect(terminal).toBe('0');
    if (line(folder).startsWith('exec')) expect(session).toBe(shell);
    else expect(session).toBe(pid);
  });

  test.each(['dash', 'bash', 'busybox sh', 'ksh'])(
    'has `again` ignore real-time signals, which Node can\u2019t, and no others (%s)',
    (shell) => {
      const folder = folderWith('0 well');
      start(`${shell} ${folder}/notify`);
      const status = parseStatus(readFileSync(join(folder, 'status'), 'latin1'));
      // A shell without job control has what it starts in the background ignore SIGINT and SIGQUIT (POSIX); Node takes that back.
      expect((status?.ignoredSignals ?? 0n) & ~0b110n).toBe(REALTIME_SET);
    },
  );

  test.each(['dash', 'bash', 'busybox sh', 'ksh'])(
    'finds `again` whatever the lines of a variable look like (%s)',
    (shell) => {
      const folder = folderWith('0 well');
      const LINES = 'Run puppet\nagain\nagain=/nowhere\nparent=1\nIFS=x\nname\nline\nand again';
      expect(start(`${shell} ${folder}/notify --delta 1`, { LINES, again: 'x', parent: '1' })).toEqual({
        status: 0,
        stdout: 'well\n',
        stderr: '',
      });
    },
  );

  test('hands nothing of its environment on', () => {
    const folder = folderWith('0 well');
    const env = {
      NODE_OPTIONS: '--no-such-option',
      LD_LIBRARY_PATH: '/nonexistent',
      LINES: "one\nexport two='2'\nexport 3\nexport four-4=\n it's five\n",
      IFS: ':',
      ENV: '/nonexistent',
      PPID: '1',
      again: '/nonexistent',
      parent: '1',
      name: 'n',
      line: 'l',
      verdict: '0 lie',
      SHELLOPTS: 'braceexpand',
    };
    const { status, stdout, stderr } = start(`sh ${folder}/notify; echo $$`, env);
    const [text, pid] = stdout.split('\n');
    expect([status, text, stderr]).toEqual([0, 'well', '']);
    expect(noted(folder, 'cmdline').slice(2)).toEqual(['--parent', pid]);
    // PWD is the doing of the shell that stands for `again`.
    expect(
      noted(folder, 'environ')
        .filter((variable) => !variable.startsWith('PWD='))
        .sort(),
    ).toEqual(['MALLOC_ARENA_MAX=1', 'UV_THREADPOOL_SIZE=1']);
  });

  test('hands on what a `when` waits for, in one variable, and nothing else', () => {
    const folder = folderWith('0 well');
    const words = '{"exists":["/a b"],"succeeds":"x=\\u0027$HOME\\u0027; `id`","interval":5}';
    const { stdout } = start(`sh ${folder}/notify --name w --delta 0 --when`, {
      AGAIN_WHEN: words,
      AGAIN_WHENEVER: 'x',
      NODE_OPTIONS: '--no-such-option',
    });
    expect(stdout).toBe('well\n');
    expect(
      noted(folder, 'environ')
        .filter((variable) => !variable.startsWith('PWD='))
        .sort(),
    ).toEqual([`AGAIN_WHEN=${words}`, 'MALLOC_ARENA_MAX=1', 'UV_THREADPOOL_SIZE=1']);
    expect(readFileSync(join(folder, 'cmdline'), 'latin1')).not.toContain('exists');
  });

  test.each([
    ['0 as said', 0, 'as said\n', ''],
    ['2 refused', 2, '', 'refused\n'],
    ['64 wrong', 64, '', 'wrong\n'],
  ])('relays the verdict %s', (answer, status, stdout, stderr) => {
    expect(start(`exec sh ${folderWith(answer)}/notify`)).toEqual({ status, stdout, stderr });
  });

  test('finds `again` beside a relative path', () => {
    const folder = folderWith('0 well');
    expect(start(`cd ${folder}/.. && exec sh ${folder.split('/').at(-1)}/notify`)).toEqual({
      status: 0,
      stdout: 'well\n',
      stderr: '',
    });
  });
});

describe.each(['dash', 'bash --posix', 'busybox sh', 'ksh'])('the launcher, by %s', (shell) => {
  const hostile = {
    NODE_OPTIONS: '--no-such-option',
    LINES: "one\nexport two='2'\nexport 3\n it's five\n",
    IFS: ':',
    ENV: '/nonexistent',
    PPID: '1',
    again: '/nonexistent',
    parent: '1',
    verdict: '0 lie',
  };

  test('relays each verdict, and hands on the arguments, its parent and no variable that Node reads', () => {
    for (const [answer, expected] of [
      ['0 as said', { status: 0, stdout: 'as said\n', stderr: '' }],
      ['2 refused', { status: 2, stdout: '', stderr: 'refused\n' }],
    ] as const) {
      const folder = folderWith(answer);
      const { status, stdout, stderr } = start(
        `echo $$; ${shell} ${folder}/notify --name 'a  "b"' --delta 5`,
        hostile,
      );
      const [pid, ...text] = stdout.split('\n');
      expect({ status, stdout: text.join('\n'), stderr }).toEqual(expected);
      expect(noted(folder, 'cmdline').slice(2)).toEqual([
        '--name',
        'a  "b"',
        '--delta',
        '5',
        '--parent',
        pid,
      ]);
      const names = noted(folder, 'environ').map((variable) => variable.split('=', 1)[0] ?? '');
      expect(names).toEqual(expect.arrayContaining(['MALLOC_ARENA_MAX', 'UV_THREADPOOL_SIZE']));
      // The variables that a shell keeps for itself.
      const own = /^(MALLOC_ARENA_MAX|UV_THREADPOOL_SIZE|PWD|OLDPWD|SHLVL|_)$/;
      expect(names.filter((name) => !own.test(name))).toEqual([]);
    }
  });

  test('hands on the variables of `again` itself as they are, which /proc may not show, and none that is only like them', () => {
    const folder = folderWith('0 well');
    const own = Object.fromEntries(HANDED_ON.map((name) => [name, `a 'b'\nexport ${name}='c' $HOME \`id\``]));
    start(`${shell} ${folder}/notify`, { ...own, AGAIN_RUNS: 'x', AGAIN_CHAIN: 'x', AGAIN_PROCESS: 'x' });
    const found = noted(folder, 'environ').filter((variable) => variable.startsWith('AGAIN_'));
    expect(found.sort()).toEqual(Object.entries(own).map(([name, value]) => `${name}=${value}`));
  });

  test('has logger(1) write the lines behind the verdict', async () => {
    const folder = folderWith(
      '0 as said\n12 daemon.notice scheduled: a  "b" $c *\n34 daemon.warning lost: größe\n',
    );
    const [launcher, logger] = [join(folder, 'notify'), join(folder, 'logger')];
    // A unit test must not write to the machine's own log.
    const own = readFileSync(launcher, 'utf8').replace('-S /dev/log', '1').replace('/usr/bin/logger', logger);
    writeFileSync(launcher, own);
    writeFileSync(
      logger,
      `#!/bin/sh\nprintf '%s|' "$@" > ${folder}/line.$$\nmv ${folder}/line.$$ ${folder}/log.$7\n`,
      {
        mode: 0o755,
      },
    );
    expect(start(`${shell} ${launcher}`, hostile)).toEqual({ status: 0, stdout: 'as said\n', stderr: '' });
    // It does not wait for them.
    await expect
      .poll(() => readdirSync(folder).filter((name) => name.startsWith('log.')).length, { timeout: 10_000 })
      .toBe(2);
    expect(readFileSync(join(folder, 'log.daemon.notice'), 'utf8')).toBe(
      '-t|again|--size|32768|--id=12|-p|daemon.notice|--|scheduled: a  "b" $c *|',
    );
    expect(readFileSync(join(folder, 'log.daemon.warning'), 'utf8')).toBe(
      '-t|again|--size|32768|--id=34|-p|daemon.warning|--|lost: größe|',
    );
  });

  test('says in one line what is wrong with an executable that gives no verdict', () => {
    const folder = folderWith('');
    copyFileSync('files/again/deliver', join(folder, 'deliver'));
    writeFileSync(join(folder, 'again.sha256'), `${'0'.repeat(64)}  again\n`);
    const { status, stdout, stderr } = start(`${shell} ${folder}/notify`);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /^again: \S+\/again is damaged \(sha256 [0-9a-f]{64}, not 0{64}\): the next run of Puppet repairs it\n$/,
    );
  });
});
