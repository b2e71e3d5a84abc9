import { expect, test } from 'vitest';
import { type Bench, expectOneRerun } from '../../support/machine/bench.ts';
import { expectSameCommand } from '../../support/machine/same-run.ts';
import { announcement, notifyOnce, probe } from '../../support/machine/world.ts';

/** A number from a mask of signals in /proc/PID/status. */
const hasSignal = (mask: string | undefined, signal: number) =>
  ((BigInt(`0x${mask ?? '0'}`) >> BigInt(signal - 1)) & 1n) === 1n;
const [SIGHUP, SIGQUIT, SIGPIPE] = [1, 3, 13];

/** A shell that gives its command bytes which are no UTF-8, in a variable. */
const withRawBytes = ['sh', '-c', 'RAW=$(printf "\\377\\376\\300x"); export RAW; umask 027; exec "$@"', 'sh'];

/** `puppet apply`, in all the forms in which people write it. */
export function applyScenarios(bench: Bench): void {
  test('a manifest with a relative path, in surroundings that are unusual in every way', async (context) => {
    const world = await bench.world(context);
    await world.node.files.makeFolder(world.path('my manifests'));
    await world.write('my manifests/site.pp', notifyOnce(world));

    const first = await world.run({
      argv: world.apply('site.pp'),
      cwd: world.path('my manifests'),
      env: {
        LANG: 'de_DE.UTF-8',
        EMPTY: '',
        EQUALS: '=a=b=',
        NEWLINE: 'one\ntwo ',
        NODE_OPTIONS: '--require /nonexistent',
        NODE_CHANNEL_FD: 'xx',
        NODE_V8_COVERAGE: world.path('coverage'),
        NODE_DEBUG: 'module,fs',
      },
      wrap: [
        ...['env', '--ignore-signal=HUP', '--ignore-signal=QUIT', '--ignore-signal=PIPE'],
        ...['prlimit', '--nofile=1024:4096', '--core=0:0', 'nice', '-n', '-3', 'choom', '-n', '321', '--'],
        ...['setpriv', '--groups=4,27', '--bounding-set=-sys_time', '--inh-caps=+chown', ...withRawBytes],
      ],
    });
    expect(first.code, first.output).toBe(0);

    const { run, rerun } = await expectOneRerun(world, first.output);
    expectSameCommand(rerun, run);
    // The things to be kept were really there.
    const environ = rerun.environ.toString('latin1');
    for (const entry of [
      'RAW=\xff\xfe\xc0x',
      'NODE_OPTIONS=--require /nonexistent',
      'EMPTY=',
      'NEWLINE=one\ntwo ',
    ]) {
      expect(environ.split('\0')).toContain(entry);
    }
    expect(rerun.limits).toMatch(/^Max open files +1024 +4096 /m);
    expect(rerun.status.get('Umask')).toBe('0027');
    expect(rerun.status.get('Groups')?.trim()).toBe('4 27');
    expect([rerun.nice, rerun.oomScoreAdj, rerun.cwd]).toEqual([-3, '321', world.path('my manifests')]);
    expect(await world.node.files.exists(world.path('coverage'))).toBe(false);

    // The child of a run shows what the run itself was given: Ruby has handlers of its own for some signals.
    const [before, after] = await world.runs();
    for (const mask of ['SigIgn', 'SigBlk']) {
      expect(after?.child.status.get(mask), mask).toBe(before?.child.status.get(mask));
    }
    expect(hasSignal(after?.child.status.get('SigIgn'), SIGQUIT)).toBe(true);
    expect([SIGHUP, SIGPIPE].map((signal) => hasSignal(after?.child.status.get('SigIgn'), signal))).toEqual(
      [SIGHUP, SIGPIPE].map((signal) => hasSignal(before?.child.status.get('SigIgn'), signal)),
    );
  });

  test('a manifest after -e, beside arguments with spaces, newlines, = and nothing at all; SIGUSR2 blocked', async (context) => {
    const world = await bench.world(context);
    const first = await world.run({
      argv: world.apply(
        ...['--modulepath', world.path('code/modules'), '--http_user_agent=a=b  c\n"\'$x'],
        ...['--prerun_command', '', '-e', notifyOnce(world, "Exec['again']", '# a=b\n')],
      ),
      wrap: ['env', '--block-signal=USR2'], // Ruby unblocks it at once, so nothing of it may be in the rerun either
    });
    expect(first.code, first.output).toBe(0);

    const { run, rerun } = await expectOneRerun(world, first.output);
    expectSameCommand(rerun, run);
    expect(rerun.argv).toContain('');
    // A naive rerun ignores SIGPIPE, and every `yes | head` of it misbehaves.
    expect((await world.runs()).map(({ child }) => child.status.get('SigIgn'))).toEqual(
      Array(2).fill('0000000000000000'),
    );
  });

  test('an absolute path with bytes that are no UTF-8, and an executable that Puppet delivers first', async (context) => {
    const world = await bench.world(context, { delivered: false });
    await world.write('site.pp', notifyOnce(world));
    // Puppet itself takes such an argument only where the locale doesn't promise UTF-8.
    const raw = '"$(printf "%s/\\377\\376.pp" "$0")"';
    const first = await world.run({
      argv: [
        'sh',
        '-c',
        `cp "$0/site.pp" ${raw} && exec "$@" ${raw}`,
        world.dir,
        ...world.apply('--detailed-exitcodes'),
      ],
      env: { LC_ALL: 'C' },
    });
    expect(first.code, first.output).toBe(2);

    const { run, rerun } = await expectOneRerun(world, first.output);
    expectSameCommand(rerun, run);
    expect(rerun.argv.at(-1)).toBe(`${world.dir}/\xff\xfe.pp`);
    const { mode, uid, gid } = await world.node.files.stat(`${world.again}/again`);
    expect({ mode, uid, gid }).toEqual({ mode: 0o754, uid: 0, gid: 0 });
  });

  test('the manifest is gone when the rerun is due: the log says so, and nothing is left', {
    retry: 0,
  }, async (context) => {
    const world = await bench.world(context);
    const site = await world.write('site.pp', notifyOnce(world, "Common::Again::Delta['later']", laterBy(2)));
    const first = await world.run({ argv: world.apply(site) });
    const { log } = announcement(first.output, 'again-delta-later');
    await world.node.files.remove(site);

    await world.settled(1);
    expect((await world.node.files.read(log)).toString()).toContain(site);
  });

  test("the manifest replaces Puppet's own Ruby by rename: the new one runs", async (context) => {
    const world = await bench.world(context);
    const ruby = world.path('bin/ruby');
    const copy = await world.run({ argv: ['sh', '-c', 'cp -L "$(command -v ruby)" "$0"', ruby] });
    expect(copy.code, copy.output).toBe(0);
    const script = (await world.node.files.read(world.puppet.command))
      .toString()
      .replace(/^#!.*/, `#!${ruby}`);
    const puppet = await world.write('bin/puppet', script, 0o755);

    // The new file is as long as the old one, and another file.
    const upgrade = `exec { 'upgrade':
  command  => 'cp -p ${ruby} ${ruby}.new && mv ${ruby}.new ${ruby} && touch ${world.path('upgraded')}',
  provider => 'shell',
  path     => '/usr/bin:/bin',
  creates  => '${world.path('upgraded')}',
  notify   => Exec['again'],
}`;
    const site = await world.write('site.pp', `include common::again\n${probe(world)}\n${upgrade}\n`);
    const first = await world.run({ argv: [puppet, ...world.apply(site).slice(1)] });
    expect(first.code, first.output).toBe(0);

    const { run, rerun } = await expectOneRerun(world, first.output);
    expectSameCommand(rerun, run);
    expect(rerun.argv.slice(0, 2)).toEqual([ruby, puppet]);
    expect(rerun.exe).toBe(ruby);
    expect(rerun.exeInode).toBe((await world.node.files.stat(ruby)).inode);
    expect(rerun.exeInode).not.toBe(run.exeInode);
  });
}

function laterBy(seconds: number): string {
  return `common::again::delta { 'later': delta => ${seconds} }\n`;
}
