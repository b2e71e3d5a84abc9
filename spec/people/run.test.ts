import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Started } from '../support/machine/node.ts';
import { inContainer, notifyOnce, outputOf, probe, type World } from '../support/machine/world.ts';
import { until } from '../support/wait.ts';
import {
  appears,
  channelsOf,
  converges,
  expectNothingLeft,
  foreground,
  saidByRun,
  type Terminal,
} from './foreground.ts';
import { expectRefusal, hold } from './people.ts';

const { place } = foreground();
const later = "Common::Again::Delta['later']";
const delta = (name: string, seconds: number, more = '') =>
  `common::again::delta { '${name}': delta => ${seconds} ${more} }\n`;

/** The output of `again status` for programs. */
async function statusOf(here: Awaited<ReturnType<typeof place>>) {
  const { stdout } = await here.world.run({ argv: [here.again, 'status', '--json'] });
  return JSON.parse(stdout);
}

/** Presses Ctrl-C, by which `again run` ends. */
async function pressCtrlC(run: Terminal): Promise<void> {
  await run.type('\x03');
  const { code, output } = await run.ended;
  expect(code, output).toBe(130);
}

/** Starts another run, which stays as long as the file `hold` is there. */
async function startHeld(world: World): Promise<Started> {
  await world.write('hold', '');
  const other = await world.start({ argv: world.apply(await world.write('other.pp', hold(world))) });
  await appears(world, 'held', other);
  return other;
}

describe.concurrent('a manifest that converges in three runs', () => {
  test('is applied three times in front of people, and nothing is left behind', async (context) => {
    const here = await place(context);
    const command = await here.apply(converges(here.world, 3));
    const { code, output } = await here.run([], command);
    expect(code, output).toBe(0);
    const runs = await here.world.runs();
    expect(runs, output).toHaveLength(3);
    const said = outputOf(output, 'again');
    expect(said).toEqual([
      expect.stringMatching(
        /^Will run `\S*puppet apply .*` again as soon as it has ended, in the foreground: again run, pid \d+$/,
      ),
      expect.stringMatching(/ended \(rerun 2 in a row\), in the foreground/),
    ]);
    expect(saidByRun(output)).toEqual([]);
    await expectNothingLeft(here);
  });

  test('the runs are children of a process that is called again-run, which `killall again` does not end', async (context) => {
    const here = await place(context);
    const { world } = here;
    await world.write('hold', '');
    const run = await here.start([], await here.apply(converges(world, 2, "Exec['again']", hold(world))));
    await appears(world, 'held', run);
    const { stdout } = await world.node.exec({ argv: ['/bin/cat', `/proc/${run.pid}/comm`] });
    expect(stdout).toBe('again-run\n');
    const killed = await world.node.exec({ argv: ['/usr/bin/killall', 'again'] });
    expect(killed.output).toMatch(/no process found/);
    await world.node.files.remove(world.path('hold'));
    const { code, output } = await run.ended;
    expect(code, output).toBe(0);
    const runs = await world.runs();
    expect(runs.map(({ parent }) => parent?.pid)).toEqual([run.pid, run.pid]);
    await expectNothingLeft(here);
  });

  test('inside of a wrapper, whose lock then holds for all runs', async (context) => {
    const here = await place(context);
    const { world } = here;
    const lock = world.path('lock');
    const later = "common::again::delta { 'later': delta => 3 }";
    const command = await here.apply(converges(world, 2, "Common::Again::Delta['later']", later));
    const started = await here.start([], command, { wrap: ['flock', '--nonblock', lock] });
    await until('the first run', async () => (await world.runs()).length > 0, { seen: started.output });
    const second = () => world.run({ argv: ['flock', '--nonblock', lock, 'true'] });
    expect((await second()).code, 'the lock is held').toBe(1);
    const { code, output } = await started.ended;
    expect(code, output).toBe(0);
    expect(await world.runs(), output).toHaveLength(2);
    expect((await second()).code, 'the lock is free').toBe(0);
  });

  test('as process 1 of a container, with and without --init', async (context) => {
    const here = await place(context);
    for (const options of [[], ['--init']]) {
      await here.world.node.files.remove(here.world.path('steps'));
      const before = (await here.world.runs()).length;
      const command = await here.apply(converges(here.world, 3));
      const { code, output } = await here.run(options, command, { wrap: inContainer });
      expect(code, output).toBe(0);
      expect((await here.world.runs()).length - before, output).toBe(3);
    }
    const reaped = [
      'sh',
      '-c',
      "(sh -c 'sleep 0.2 & :'); sleep 1; grep -l '^State:.Z' /proc/[0-9]*/status; exit 7",
    ];
    const { code, output } = await here.run(['--init'], reaped, { wrap: inContainer });
    expect({ code, output }).toEqual({ code: 7, output: '' });
  });
});

describe.concurrent('standard input', () => {
  test('--stdin keeps it for a Puppet behind a wrapper', async (context) => {
    const here = await place(context);
    const { world } = here;
    const site = await world.write('site.pp', converges(world, 3));
    const wrapped = [here.again, 'run', '--stdin', '--', 'flock', world.path('lock'), ...world.apply()];
    const { code, output } = await world.run({ argv: ['sh', '-c', 'cat "$0" | "$@"', site, ...wrapped] });
    expect(code, output).toBe(0);
    expect(await world.runs(), output).toHaveLength(3);
  });

  test('that does not end is read no longer than --timeout says, or until a signal comes', async (context) => {
    const here = await place(context);
    const { world } = here;
    // A pipe that is open for writing, and nothing is written.
    const script = 'mkfifo "$0" && exec 9<>"$0" && exec "$@" <"$0"';
    const reading = (name: string, ...options: readonly string[]) => {
      const run = [here.again, 'run', ...options, '--', ...world.apply()];
      return world.start({ argv: ['sh', '-c', script, world.path(name), ...run], seconds: 60 });
    };
    const late = await reading('late', '--timeout', '2');
    expect(await late.ended).toMatchObject({
      code: 124,
      output: 'again run: the 2 s of --timeout are over\n',
    });
    const ended = await reading('ended');
    const isReading = async () =>
      (await world.node.processes()).some(({ parent, argv }) => parent === ended.pid && argv.includes('cat'));
    await until('the reading', isReading, { seen: ended.output });
    await world.node.signal(ended.pid, 'SIGTERM');
    expect(await ended.ended).toMatchObject({ code: 143, output: '' });
    expect(await isReading()).toBe(false);
    expect(await world.runs()).toHaveLength(0);
    await expectNothingLeft(here);
  });

  test('is not touched elsewhere: the script that it holds goes on', async (context) => {
    const here = await place(context);
    const command = await here.apply(converges(here.world, 3));
    const script = await here.world.write(
      'script',
      `echo before\n${here.again} run -- ${command.join(' ')} >/dev/null 2>&1\necho after $?\n`,
    );
    const { stdout } = await here.world.run({ argv: ['sh', '-c', 'cat "$0" | bash -s', script] });
    expect(stdout).toBe('before\nafter 0\n');
    expect(await here.world.runs()).toHaveLength(3);
  });
});

describe.concurrent('the exit code', () => {
  test('is that of the last run, as it is', async (context) => {
    const here = await place(context);
    for (const wanted of [0, 1, 2, 4, 6, 77]) {
      const { code, output } = await here.run([], ['sh', '-c', `exit ${wanted}`]);
      expect({ code, output }).toEqual({ code: wanted, output: '' });
    }
    const { code } = await here.run([], ['sh', '-c', 'kill -9 $$']);
    expect(code).toBe(137);
    for (const [name, wanted] of [
      ['/nonexistent', 127],
      ['no-such-command', 127],
      ['/etc/passwd', 126],
    ] as const) {
      const { code, stderr } = await here.run([], [name]);
      expect({ code, stderr }).toEqual({
        code: wanted,
        stderr: expect.stringMatching(/^again run: [^\n]+\n$/),
      });
    }
  });

  test('with --detailed-exitcodes: 2 for a last run with changes, 6 for one with failures, too', async (context) => {
    const here = await place(context);
    const changes = converges(here.world, 2, "Exec['again']", "notify { 'always': }");
    expect((await here.run([], await here.apply(changes, '--detailed-exitcodes'))).code).toBe(2);
    const fails = `${changes}exec { '/bin/false': }`;
    await here.world.node.files.remove(here.world.path('steps'));
    const failed = await here.run([], await here.apply(fails, '--detailed-exitcodes'));
    expect(failed.code, failed.output).toBe(6);
    expect(await here.world.runs()).toHaveLength(4);
    expect((await here.run([], await here.apply('syntax error'))).code).toBe(1);
  });

  test('125 when the limit ends it with something still pending, and the Exec fails', async (context) => {
    const here = await place(context);
    const { code, output } = await here.run(['--limit', '2'], await here.apply(converges(here.world, 100)));
    expect(code, output).toBe(125);
    expect(await here.world.runs()).toHaveLength(3);
    expect(outputOf(output, 'again').at(-1)).toMatch(
      /^again: the chain of reruns ends here: this would be rerun 3, and limit is 2$/,
    );
    expect(saidByRun(output)).toEqual([
      'again run: the limit of 2 reruns is reached, and another one is wanted',
    ]);
    await expectNothingLeft(here);
  });

  test('124 when the time is over: no new run starts, and the present one goes on, or is ended', async (context) => {
    const here = await place(context);
    const pending = await here.apply(converges(here.world, 3, later, delta('later', 300)));
    const waiting = await here.run(['--timeout', '60'], pending);
    expect(waiting.code, waiting.output).toBe(124);
    expect(saidByRun(waiting.output)).toEqual([
      expect.stringMatching(
        /^again run: the next run \(later\) is due after --timeout, which ends in \d+ s$/,
      ),
      'again run: the 60 s of --timeout are over, and a rerun is still pending',
    ]);
    expect(await here.world.runs()).toHaveLength(1);
    const slow = ['sh', '-c', 'sleep 2; echo done'];
    expect(await here.run(['--timeout', '1'], slow)).toMatchObject({ code: 124, stdout: 'done\n' });
    const killed = await here.run(
      ['--timeout', '1', '--kill-after', '1'],
      ['sh', '-c', 'sleep 60; echo done'],
    );
    expect(killed).toMatchObject({ code: 124, stdout: '' });
    await expectNothingLeft(here);
  });

  test('64 for a wrong command line, 1 for a daemon', async (context) => {
    const here = await place(context);
    for (const wrong of [
      ['run'],
      ['run', 'puppet', 'apply'],
      ['run', '--timeout', 'x', '--', 'true'],
      ['run', '--limit', '-1', '--', 'true'],
      ['run', '--kill-after', '1', '--', 'true'],
      ['wait', 'x'],
    ])
      expectRefusal(await here.world.run({ argv: [here.again, ...wrong] }), 64, '');
    for (const args of [[], ['--onetime'], ['--no-daemonize']])
      expectRefusal(await here.run([], ['puppet', 'agent', ...args]), 1, 'daemon');
  });
});

describe.concurrent('signals', () => {
  const waits = (here: Awaited<ReturnType<typeof place>>) =>
    here.apply(converges(here.world, 3, "Common::Again::Delta['later']", delta('later', 300)));

  test.for([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
  ] as const)('%s ends the wait, and nothing more starts', async ([signal, wanted], context) => {
    const here = await place(context);
    const run = await here.start([], await waits(here));
    await until('the wait', () => saidByRun(run.output()).length > 0, { seen: run.output });
    await here.world.node.signal(run.pid, signal);
    expect((await run.ended).code).toBe(wanted);
    expect(await here.world.runs()).toHaveLength(1);
    await expectNothingLeft(here);
  });

  test('SIGTERM and SIGHUP are passed on to what goes on, which is waited for', async (context) => {
    const here = await place(context);
    for (const [signal, wanted] of [
      ['TERM', 143],
      ['HUP', 129],
    ] as const) {
      const started = here.world.path(`started-${signal}`);
      const script = `trap 'echo got ${signal}; sleep 1; echo end; exit 3' ${signal}; touch ${started}; while :; do sleep 0.1; done`;
      const run = await here.start([], ['sh', '-c', script]);
      await appears(here.world, `started-${signal}`, run);
      await here.world.node.signal(run.pid, `SIG${signal}`);
      const { code, stdout } = await run.ended;
      expect({ code, stdout }).toEqual({ code: wanted, stdout: `got ${signal}\nend\n` });
    }
  });

  test('SIGTERM reaches Puppet also below a wrapper that ends by it and hands nothing on, as flock does', async (context) => {
    const here = await place(context);
    const { world } = here;
    const stays = `${converges(world, 3)}exec { 'stays':
  command  => '/bin/sh -c "touch ${world.path('stays')}; sleep 600"',
  provider => 'shell',
  path     => '/usr/bin:/bin',
  require  => Exec['again'],
}`;
    const run = await here.start([], ['flock', world.path('lock'), ...(await here.apply(stays))]);
    await appears(world, 'stays', run);
    await world.node.signal(run.pid, 'SIGTERM');
    expect((await run.ended).code).toBe(143);
    expect((await world.processes()).filter(({ argv }) => argv.includes('apply'))).toEqual([]);
    expect(await world.runs()).toHaveLength(1);
    await expectNothingLeft(here);
  });

  test.for([
    ['Puppet', 1, []],
    ['the Puppet of a rerun', 2, []],
    ['Puppet also below timeout, which leaves the process group of the terminal', 1, ['timeout', '300']],
  ] as const)('Ctrl-C reaches %s, and nothing more starts', async ([, runs, wrapper], context) => {
    const here = await place(context);
    const { world } = here;
    const stays = `${converges(world, 3)}exec { 'stays':
  command  => '/bin/sh -c "touch ${world.path('stays')}; sleep 600"',
  onlyif   => 'test $(wc -l < ${world.path('steps')}) -eq ${runs}',
  provider => 'shell',
  path     => '/usr/bin:/bin',
  require  => Exec['again'],
}`;
    const command = [...wrapper, ...(await here.apply(stays))];
    const run = await here.onTerminal([here.again, 'run', '--', ...command]);
    await appears(world, 'stays', run);
    await pressCtrlC(run);
    expect(await world.runs()).toHaveLength(runs);
    await until(
      'the end of Puppet',
      async () => !(await world.processes()).some(({ argv }) => argv.includes('apply')),
    );
    await expectNothingLeft(here);
  });

  test('Ctrl-C ends the wait for a condition, and the command that looks', async (context) => {
    const here = await place(context);
    const { world } = here;
    const looks = async () =>
      (await world.node.processes()).filter(({ argv }) => argv.join(' ').endsWith('sleep 4711'));
    const peers = "common::again::when { 'peers': succeeds => ['/bin/sleep', '4711'] }";
    const asks = await here.apply(converges(world, 2, "Common::Again::When['peers']", peers));
    const run = await here.onTerminal([here.again, 'run', '--', ...asks]);
    await until('the look', async () => (await looks()).length > 0, { seconds: 100, seen: run.output });
    await pressCtrlC(run);
    expect(await world.runs()).toHaveLength(1);
    expect(await looks()).toEqual([]);
    await expectNothingLeft(here);
  });

  test('Ctrl-C ends the wait for another Puppet, which continues', async (context) => {
    const here = await place(context);
    const { world } = here;
    const other = await startHeld(world);
    const run = await here.onTerminal([here.again, 'run', '--', ...(await here.apply(converges(world, 2)))]);
    await until('its line', () => run.output().includes(`waits for another Puppet run, pid ${other.pid}`), {
      seconds: 100,
      seen: run.output,
    });
    await pressCtrlC(run);
    expect(await world.runs()).toHaveLength(1);
    await world.node.files.remove(world.path('hold'));
    expect((await other.ended).code, other.output()).toBe(0);
    await expectNothingLeft(here);
  });

  test('Ctrl-C ends the wait, in which a line counts the seconds; a window of another size does not', async (context) => {
    const here = await place(context);
    const run = await here.onTerminal([here.again, 'run', '--', ...(await waits(here))]);
    const counted = () => saidByRun(run.output()).length;
    await until('the countdown', () => counted() > 2, { seen: run.output });
    await run.type('resize\n');
    const before = counted();
    await until('more of the countdown', () => counted() > before + 1, { seen: run.output });
    const shown = run.output();
    // Each line erases the one before, and is never longer than the window is wide.
    expect(shown).toContain('\r\u001b[K\u001b[?7lagain run: next run (later) in ');
    await pressCtrlC(run);
    expect(await here.world.runs()).toHaveLength(1);
    await expectNothingLeft(here);
  });

  test('one that is killed loses what was pending, and the next one removes its folder', {
    retry: 0,
  }, async (context) => {
    const here = await place(context);
    const run = await here.start([], await waits(here));
    await until('the wait', () => saidByRun(run.output()).length > 0, { seen: run.output });
    await here.world.node.signal(run.pid, 'SIGKILL');
    expect((await run.ended).signal).toBe('SIGKILL');
    expect(await channelsOf(here), 'its folder is left').toEqual([
      expect.stringMatching(new RegExp(`-${run.pid}-`)),
    ]);
    expect(await statusOf(here)).toEqual([]);
    expect(await here.run([], ['true'])).toMatchObject({ code: 0, output: '' });
    await expectNothingLeft(here);
  });

  test('one that is killed while its run is going: that run continues, and what it asks for then has a waiter', {
    retry: 0,
  }, async (context) => {
    const here = await place(context);
    const { world } = here;
    await world.write('hold', '');
    const more = delta('later', 300) + hold(world, "before => Exec['step']");
    const puppet = await here.apply(converges(world, 2, later, more));
    const output = world.path('output'); // what it prints itself is not read for long after its end
    const run = await here.start([], ['sh', '-c', 'exec "$@" >"$0" 2>&1', output, ...puppet]);
    await appears(world, 'held', run);
    await world.node.signal(run.pid, 'SIGKILL');
    await world.node.files.remove(world.path('hold'));
    const said = async () => (await world.node.files.read(output)).toString();
    await until('the line of the Exec', async () => /Will run .*; waiter pid \d+/.test(await said()), {
      seen: said,
    });
    const { code, stdout } = await world.run({ argv: [here.again, 'cancel', '--all'] });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Cancelled: later\n' });
    expect(await here.run([], ['true'])).toMatchObject({ code: 0, output: '' });
    await expectNothingLeft(here);
  });

  test('a terminal that closes ends it', async (context) => {
    const here = await place(context);
    const run = await here.onTerminal([here.again, 'run', '--', ...(await waits(here))]);
    await until('the countdown', () => saidByRun(run.output()).length > 0, { seen: run.output });
    await run.type('close\n');
    expect((await run.ended).code).toBe(129);
    await expectNothingLeft(here);
  });

  test('a signal that is ignored stays so, and so does the limit of open files, in each run', async (context) => {
    const here = await place(context);
    const look =
      "ulimit -Sn; sed -n 's/^Sig\\(Ign\\|Blk\\):.//p' /proc/self/status; ls /proc/self/fd | tr '\\n' ' '; cat <&7";
    const shell = 'exec 7<<<seven; ulimit -Sn 1024; trap "" HUP; "$@"; :';
    const seen = async (...words: readonly string[]) =>
      (await here.world.run({ argv: ['bash', '-c', shell, 'bash', ...words, 'sh', '-c', look] })).stdout;
    const without = await seen();
    expect(without).toMatch(/^1024\n0{16}\n0{15}1\n0 1 2 .*\b7\b.* seven\n$/);
    expect(await seen(here.again, 'run', '--')).toBe(without);
  });

  test('on a terminal, its command has the descriptors that it has without it', async (context) => {
    const here = await place(context);
    const seen = async (...words: readonly string[]) => {
      const run = await here.onTerminal([...words, 'ls', '-l', '/proc/self/fd']);
      const { code, output } = await run.ended;
      expect(code, output).toBe(0);
      // Each has a terminal and a process of its own.
      return (output.match(/\d+ -> \S+/g) ?? []).map((one) => one.replace(/(\/pts|\/proc)\/\d+/, '$1/N'));
    };
    const without = await seen();
    expect(without).toContain('1 -> /dev/pts/N');
    expect(await seen(here.again, 'run', '--')).toEqual(without);
  });

  test('two descriptors of one pipe stay open, and variables that no shell hands on are there', async (context) => {
    const here = await place(context);
    const python = '/usr/bin/python3';
    const look =
      "import os; os.environ.pop('AGAIN_RUN', 0); print(sorted(os.environ), flush=True); os.write(3, b'three')";
    const start = `import os, resource, subprocess, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
os.dup2(1, 3)
subprocess.run(sys.argv[1:], env={'a.b': 'c', 'BASH_FUNC_f%%': '() { :; }'}, pass_fds=[3])`;
    const seen = async (...words: readonly string[]) => {
      const command = [python, '-c', start, ...words, python, '-c', look];
      return (await here.world.run({ argv: ['sh', '-c', '"$@" | cat', 'sh', ...command] })).stdout;
    };
    const without = await seen();
    expect(without).toMatch(/^\['BASH_FUNC_f%%',.* 'a\.b'\]\nthree$/);
    expect(await seen(here.again, 'run', '--')).toBe(without);
  });

  test('a process that has become another user’s gets none, which is said, and the exit code is the usual one', async (context) => {
    const here = await place(context);
    const { world } = here;
    const python = world.path('bin/as-root');
    const made = await world.run({
      argv: ['sh', '-c', 'cp /usr/bin/python3 "$0" && chmod 4755 "$0"', python],
    });
    expect(made.code, made.output).toBe(0);
    // As sudo does it.
    const become = "import os; os.setuid(0); os.execlp('sleep', 'sleep', '12')";
    const wrap = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'];
    const options = ['--timeout', '5', '--kill-after', '1'];
    const { code, output } = await here.run(options, [python, '-c', become], { wrap });
    expect(code, output).toBe(124);
    expect(saidByRun(output)).toEqual([
      expect.stringMatching(/^again run: pid \d+ cannot be sent SIGTERM, since it is another user's$/),
      'again run: the 5 s of --timeout are over',
    ]);
  });
});

describe.concurrent('others', () => {
  test('status, cancel and the fact know what is pending', async (context) => {
    const here = await place(context);
    const { world } = here;
    const chains = world.path('chains');
    const note = `exec { "/bin/sh -c 'echo \${facts['again']['chain']} >> ${chains}'": provider => 'posix' }`;
    const run = await here.start(
      ['--limit', '5'],
      ['timeout', '300', ...(await here.apply(converges(world, 3, later, `${delta('later', 5)}${note}`)))],
    );
    expect((await run.ended).code).toBe(0);
    expect((await world.node.files.read(chains)).toString()).toBe('0\n1\n2\n');

    await world.node.files.remove(world.path('steps'));
    const waiting = await here.start([], await here.apply(converges(world, 3, later, delta('later', 300))));
    await until('the wait', () => saidByRun(waiting.output()).length > 0, { seen: waiting.output });
    const [pending, ...more] = await statusOf(here);
    expect(more).toEqual([]);
    expect(pending).toMatchObject({ name: 'later', delta: 300, link: 1, pid: waiting.pid, foreground: true });
    expect(pending.dueIn).toBeGreaterThan(200);
    const shown = await world.run({ argv: [here.again, 'status'] });
    expect(shown.stdout).toContain(`again run, pid ${waiting.pid}`);
    const fact = await world.run({
      argv: [
        world.puppet.command,
        'apply',
        '--confdir',
        world.path('conf'),
        '-e',
        "notice($facts['again']['pending'])",
      ],
      env: { FACTER_puppet_vardirtmp: world.path('base') },
    });
    expect(fact.stdout).toMatch(/name => later, kind => timer, due => \d{4}-/);
    const cancelled = await world.run({ argv: [here.again, 'cancel', 'later'] });
    expect(cancelled.stdout).toBe('Cancelled: later\n');
    const { code, output } = await waiting.ended;
    expect(code, output).toBe(0);
    await expectNothingLeft(here);
  });

  test('a rerun waits for another Puppet run, and says so', async (context) => {
    const here = await place(context);
    const { world } = here;
    const going = await startHeld(world);
    const run = await here.start([], await here.apply(converges(world, 2)));
    await until(
      'its line',
      () => run.output().includes(`again run: waits for another Puppet run, pid ${going.pid}\n`),
      {
        seen: run.output,
      },
    );
    const [pending] = await statusOf(here);
    expect(pending).toMatchObject({
      dueIn: 0,
      waitsFor: { kind: 'held', because: `another Puppet run, pid ${going.pid}` },
    });
    expect(await world.runs()).toHaveLength(1);
    await world.node.files.remove(world.path('hold'));
    expect((await run.ended).code).toBe(0);
    expect(await world.runs()).toHaveLength(2);
    await going.ended;
  });

  test('a run below one that changes the user is refused in one line', async (context) => {
    const here = await place(context, { delivered: false });
    const { world } = here;
    const own = await world.run({ argv: ['chown', '-R', 'nobody:nogroup', world.dir] });
    expect(own.code, own.output).toBe(0);
    const asNobody = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'];
    const command = [...asNobody, ...(await here.apply(converges(world, 3)))];
    const { output } = await here.run([], command, { env: { HOME: world.dir } });
    const said = outputOf(output, 'again');
    expect(said, output).toEqual([
      expect.stringMatching(
        /^again: this run is below an `again run` \(pid \d+\) of user 0, .*sudo again run/,
      ),
    ]);
    expect(await world.runs()).toHaveLength(1);
  });

  test('a delta that is longer than --max-wait is not waited for, and named', async (context) => {
    const here = await place(context);
    const late = converges(here.world, 3, "Common::Again::Delta['late']", delta('late', 700));
    const { code, output } = await here.run([], await here.apply(late));
    expect(code, output).toBe(0);
    expect(await here.world.runs()).toHaveLength(1);
    expect(saidByRun(output)).toEqual([
      'again run: late is not waited for: its delta of 700 s is longer than the 600 s of --max-wait',
    ]);
    await expectNothingLeft(here);
  });

  test('a condition is looked at between the runs, with the environment and the limit of open files of the one that asked for it', async (context) => {
    const here = await place(context);
    const { world } = here;
    const [goal, seen] = [world.path('goal'), world.path('seen')];
    const when = `common::again::when { 'ready':
  succeeds => Sensitive('echo "$OF_THE_RUN" $(ulimit -Sn) > ${seen}; test -e ${goal}'),
  interval => 1,
}`;
    const command = await here.apply(converges(world, 2, "Common::Again::When['ready']", when));
    const wrap = ['sh', '-c', 'ulimit -Sn 1000; "$@"; exit $?', 'sh'];
    const run = await here.start([], command, { env: { OF_THE_RUN: 'yes' }, wrap });
    await appears(world, 'seen', run);
    const status = await world.run({ argv: [here.again, 'status'] });
    expect(status.stdout).toMatch(/due +as soon as its command \(Sensitive\) succeeds, or not at all after /);
    expect(status.stdout).toMatch(/looked at +(once|\d+ times), .*: its command has ended with 1\n/);
    expect(await world.runs()).toHaveLength(1);
    await world.write('goal', '');
    const { code, output } = await run.ended;
    expect(code, output).toBe(0);
    expect(await world.runs(), output).toHaveLength(2);
    expect((await world.node.files.read(seen)).toString()).toBe('yes 1000\n');
    expect(saidByRun(output)).toContainEqual(
      expect.stringMatching(/^again run: waits until its command succeeds; gives up in \d+ s$/),
    );
    await expectNothingLeft(here);
  });

  test('what Puppet prints is the same as without it, in order and with its colours', async (context) => {
    const here = await place(context);
    const { world } = here;
    const shouts = (text: string) =>
      `exec { "/bin/sh -c 'echo ${text}; echo ${text} >&2'": logoutput => true, provider => 'posix' }`;
    const command = await here.apply(
      `${shouts('one')} -> notify { 'two': } -> ${shouts('three')} -> exec { '/bin/false': } warning('four')`,
      '--color=ansi',
      '--trace',
    );
    // Both streams lead to one pipe.
    const output = async (...words: readonly string[]) => {
      const { stdout } = await world.run({ argv: ['sh', '-c', 'exec "$@" 2>&1', 'sh', ...words] });
      return stdout.replace(/in \d+\.\d+ seconds/g, 'in N seconds');
    };
    const without = await output(...command);
    expect(without).toMatch(/one.*two.*three.*false/s);
    expect(without).not.toBe(stripVTControlCharacters(without));
    expect(await output(here.again, 'run', '--', ...command)).toBe(without);
  });

  test('a no-op run schedules nothing', async (context) => {
    const here = await place(context);
    const forced = converges(here.world, 3).replace('notify   =>', 'noop => false, notify   =>');
    const { code, output } = await here.run([], await here.apply(forced, '--noop'));
    expect(code, output).toBe(0);
    expect(await here.world.runs()).toHaveLength(0);
  });

  test('without anything of the module, it runs a command', async (context) => {
    const here = await place(context);
    const { world } = here;
    await world.run({ argv: ['cp', here.again, world.path('bin/again')] });
    const { code, output } = await world.run({
      argv: [world.path('bin/again'), 'run', '--', ...(await here.apply(`${probe(world)}`))],
    });
    expect(code, output).toBe(0);
    expect(await world.runs()).toHaveLength(1);
    expect(await world.node.files.list(world.path('bin'))).not.toContain('state');
    const converging = [world.path('bin/again'), 'run', '--', ...(await here.apply(converges(world, 2)))];
    expect((await world.run({ argv: converging })).code).toBe(0);
    expect(await world.runs()).toHaveLength(3);
  });
});

describe.concurrent('what holds the next run', () => {
  test('a shutdown that is scheduled', async (context) => {
    const here = await place(context);
    // In a mount namespace of its own: no other process is to see that.
    const schedule =
      'mkdir -p /run/systemd && mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/shutdown && ' +
      'printf "USEC=%s000000\\nMODE=reboot\\n" $(($(date +%s) + 600)) >/run/systemd/shutdown/scheduled && exec "$@"';
    const wrap = ['unshare', '--mount', '--', 'sh', '-c', schedule, 'sh'];
    const command = await here.apply(converges(here.world, 2));
    const { code, output } = await here.run(['--timeout', '60'], command, { wrap });
    expect(code, output).toBe(124);
    expect(saidByRun(output)[0]).toMatch(
      /^again run: waits for the reboot that is scheduled for \S+Z, or `shutdown -c`$/,
    );
    expect(await here.world.runs()).toHaveLength(1);
  });

  test('a run that was aborted: 30 s are to pass', async (context) => {
    const here = await place(context);
    const { world } = here;
    const hang = `exec { '/bin/sleep 600':
  refreshonly => true,
  subscribe   => File['${world.trigger}'],
  require     => Exec['again'],
}`;
    const command = await here.apply(notifyOnce(world, "Exec['again']", hang));
    const run = await here.start([], ['sh', '-c', '"$@"; true', 'sh', ...command]);
    const sleeper = await until(
      'the run to hang',
      async () => (await world.processes()).find(({ argv }) => argv.join(' ') === '/bin/sleep 600'),
      { seconds: 100, seen: run.output },
    );
    await world.node.signal(sleeper.parent, 'SIGINT');
    await world.node.signal(sleeper.pid, 'SIGKILL');
    const said = () => saidByRun(run.output());
    await until('the time to be told', () => said().length > 0, { seconds: 60, seen: run.output });
    expect(said()).toEqual(['again run: waits for the end of the 30 s after a run that was aborted']);
    await world.node.signal(run.pid, 'SIGTERM');
    expect((await run.ended).code).toBe(143);
    expect(await world.runs()).toHaveLength(1);
    await expectNothingLeft(here);
  });
});

describe('what people say beside it', () => {
  test('a hold of the node holds the next run, and `again release` starts it', async (context) => {
    const here = await place(context);
    const { world } = here;
    expect((await world.run({ argv: [here.again, 'hold', '--for', '1h', 'backup'] })).code).toBe(0);
    const run = await here.start([], await here.apply(converges(world, 2)));
    await until(
      'the hold to be told',
      () => /waits for the end of the hold at \S+Z \(backup\)/.test(run.output()),
      {
        seconds: 100,
        seen: run.output,
      },
    );
    const held = { reason: 'backup', since: expect.any(String), until: expect.any(String) };
    expect(await statusOf(here)).toEqual([
      expect.objectContaining({ waitsFor: { kind: 'hold', ...held }, hold: held, foreground: true }),
    ]);
    expect(await world.runs(), 'the first run is no rerun').toHaveLength(1);
    expect((await world.run({ argv: [here.again, 'release'] })).code).toBe(0);
    const { code, output } = await run.ended;
    expect(code, output).toBe(0);
    expect(saidByRun(output)).toEqual([expect.stringContaining('waits for the end of the hold')]);
    expect(await world.runs()).toHaveLength(2);
    await expectNothingLeft(here);
  });

  test('Ctrl-C ends the wait for the end of a hold', async (context) => {
    const here = await place(context);
    const { world } = here;
    expect((await world.run({ argv: [here.again, 'hold'] })).code).toBe(0);
    const run = await here.onTerminal([here.again, 'run', '--', ...(await here.apply(converges(world, 2)))]);
    await until('the hold to be told', () => /waits for the end of the hold/.test(run.output()), {
      seconds: 100,
      seen: run.output,
    });
    await pressCtrlC(run);
    expect(await world.runs()).toHaveLength(1);
    await expectNothingLeft(here);
  });

  test('a run with `enable: false` cancels what is pending', async (context) => {
    const here = await place(context);
    const { world } = here;
    const asks = "[Exec['again'], Common::Again::Delta['later']]";
    const command = await here.apply(notifyOnce(world, asks, delta('later', 300)));
    const off = `"$@"; echo 'common::again::enable: false' >>'${world.path('conf/data/world.yaml')}'`;
    const { code, output } = await here.run([], ['sh', '-c', off, 'sh', ...command]);
    expect(code, output).toBe(0);
    expect(outputOf(output, 'common::again cancel')).toEqual(['Cancelled: later']);
    expect(await world.runs()).toHaveLength(2);
    await expectNothingLeft(here);
  });

  test('`again now` starts what waits for its delta', async (context) => {
    const here = await place(context);
    const { world } = here;
    const run = await here.start([], await here.apply(converges(world, 2, later, delta('later', 500))));
    await until('the delta to be counted', () => run.output().includes('next run (later) in'), {
      seconds: 100,
      seen: run.output,
    });
    const said = await world.run({ argv: [here.again, 'now', 'later'] });
    expect(said).toMatchObject({ code: 0, stdout: 'Due now: later\n' });
    const { code, output } = await run.ended;
    expect(code, output).toBe(0);
    expect(await world.runs()).toHaveLength(2);
    await expectNothingLeft(here);
  });
});
