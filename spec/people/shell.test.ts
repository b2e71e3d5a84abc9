import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Past } from '../../src/cli/history.ts';
import type { Pending } from '../../src/cli/pending.ts';
import { hasPendingSignals, listeningSockets } from '../support/machine/sockets-and-signals.ts';
import { announcement, notifyOnce, probe } from '../support/machine/world.ts';
import { until } from '../support/wait.ts';
import { expectRefusal, held, hold, type Place, people, utf8 } from './people.ts';

const { place } = people();
const delta = (name: string, seconds: number) => `common::again::delta { '${name}': delta => ${seconds} }\n`;
const later = "Common::Again::Delta['later']";

describe('before the first notification', () => {
  test('each command says that there is nothing, or refuses in one line', async (context) => {
    const here = await place(context);
    expect((await here.apply('include common::again')).code).toBe(0);

    for (const [args, answer] of [
      [['status'], 'Nothing is pending.\n'],
      [['status', '--json'], '[]\n'],
      [['history'], 'No rerun yet.\n'],
      [['history', '--json'], '[]\n'],
      [['cancel', '--all'], 'Nothing was pending.\n'],
    ] as const) {
      expect(await here.again(args), args.join(' ')).toMatchObject({ code: 0, stdout: answer, stderr: '' });
    }
    expectRefusal(await here.again(['cancel', 'later']), 1, 'nothing is pending under the name "later"');
    expectRefusal(await here.again(['log']), 1, 'there was no rerun yet');
    expectRefusal(await here.again(['log', 'x']), 1, 'no rerun has the id "x"');
    expectRefusal(await here.again([]), 1, 'not started by Puppet');
    expectRefusal(await here.again(['log', '--', '-x']), 1, 'no rerun has the id "-x"');
    expectRefusal(
      await here.again(['cancel', '--', '--parent']),
      1,
      'nothing is pending under the name "--parent"',
    );
    expect(await here.again(['run', '--', 'echo', 'hello', '--parent', 'x'])).toMatchObject({
      code: 0,
      stdout: 'hello --parent x\n',
    });
    const removed = 'folder=$(mktemp -d) && cd "$folder" && rmdir "$folder" && exec "$0" status';
    const there = await here.world.node.exec({ argv: ['bash', '-c', removed, here.link], env: {} });
    expect(there).toMatchObject({ code: 0, stdout: 'Nothing is pending.\n', stderr: '' });
    for (const wrong of [
      ['cancel'],
      ['cancel', 'later', '--all'],
      ['history', '-n', '0'],
      ['history', '-n', 'x'],
      ['history', '-n', '1.5'],
      ['history', '-n'],
      ['history', '-n', '1e3'],
      ['cancel', '--', 'a', 'b'],
      ['cancel', 'a', '--', 'b'],
      ['log', 'a', '--', 'b'],
      ['status', '--', 'x'],
      ['status', '--json=yes'],
      ['--name', 'a', '--delta', '--parent', '1'],
      ['status', '--xml'],
      ['staus'],
      ['log', 'a', 'b'],
    ]) {
      expectRefusal(await here.again(wrong), 64, '');
    }
  });

  test('a reader that has seen enough is no error, and a full disk one line', async (context) => {
    const here = await place(context);
    expect((await here.apply('include common::again')).code).toBe(0);
    for (const words of ['status', 'history --json', 'cancel --all', 'hold', 'release', 'log']) {
      const piped = `"$0" ${words} 2>&1 >&3 3>&- | cat`;
      const gone = `exec 3> >(:); sleep 0.2; ${piped}`;
      const { stdout } = await here.world.node.exec({ argv: ['bash', '-c', gone, here.link], env: {} });
      expect(stdout, words).toBe(words === 'log' ? 'again: there was no rerun yet\n' : '');
    }
    const full = await here.world.node.exec({
      argv: ['bash', '-c', '"$0" status >/dev/full', here.link],
      env: {},
    });
    expect(full).toMatchObject({ code: 1, stderr: 'again: ENOSPC: no space left on device, write\n' });
  });

  test('--licenses prints the licences of Node and of the packages in the executable', async (context) => {
    const here = await place(context);
    expect((await here.apply('include common::again')).code).toBe(0);
    const { code, stdout, stderr } = await here.again(['--licenses']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const title of ['again \\d', 'Node\\.js 24\\.', 'yargs 18\\.', 'yargs-parser \\d'])
      expect(stdout).toMatch(new RegExp(`^${title}.*\n=+$`, 'm'));
    expectRefusal(await here.again(['status', '--licenses']), 64, '');

    const piped = `"$0" --licenses | head -n 1`;
    const first = await here.world.node.exec({ argv: ['bash', '-c', piped, here.link], env: {} });
    expect(first).toMatchObject({ stdout: 'This executable holds:\n', stderr: '' });
  });

  test('completion offers the commands in bash', async (context) => {
    const here = await place(context);
    expect((await here.apply('include common::again')).code).toBe(0);
    const complete = (line: string) => `
      COMP_LINE='${line}' COMP_POINT=${line.length} COMP_WORDS=(${line.replace(/ $/, " ''")}) COMP_CWORD=1
      "$(complete -p again | sed 's/.*-F \\([^ ]*\\) .*/\\1/')" again
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const typed = async (line: string) => {
      const { stdout, stderr } = await here.world.node.exec({
        argv: ['bash', '-c', `eval "$(again completion)"\n${complete(line)}`],
        env: { PATH: `${here.world.path('bin')}:/usr/bin:/bin`, SHELL: '/bin/bash' },
      });
      expect(stderr).toBe('');
      return stdout.trim().split('\n').sort();
    };
    expect(await typed('again ')).toEqual(
      expect.arrayContaining(['cancel', 'completion', 'history', 'log', 'status']),
    );
    expect(await typed('again sta')).toEqual(['status']);
  });
});

describe('what is pending', () => {
  test('the run is still going, then the timer runs; cancel NAME ends the waiter and says so', async (context) => {
    const here = await place(context);
    const { world } = here;
    await world.write('hold', '');
    const run = await here.startApply(
      notifyOnce(world, later, `${delta('later', 600)}${hold(world, `require => ${later}`)}`),
    );
    await held(world, run);

    const [first, ...others] = await here.json<Pending[]>('status');
    expect(others).toEqual([]);
    const [helper] = await world.helpers();
    expect(first).toEqual({
      name: 'later',
      dueIn: null,
      waitsFor: { kind: 'run', pid: run.pid },
      since: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      delta: 600,
      wait: 600,
      command: `puppet apply --confdir ${world.path('conf')} --color=false ${world.path('site.pp')}`,
      link: 1,
      chain: expect.stringMatching(/^[0-9a-f]+$/),
      pid: helper?.pid,
      log: expect.stringMatching(new RegExp(`^${world.state}/logs/.*\\.log$`)),
    });
    expect(Math.abs(Date.parse(first?.since ?? '') - Date.now())).toBeLessThan(60_000);
    expect((await here.again(['status'])).stdout).toContain(`the end of the run with pid ${run.pid}`);

    await world.node.files.remove(world.path('hold'));
    expect((await run.ended).code, run.output()).toBe(0);
    const counting = await until('the timer', async () => {
      const [pending] = await here.json<Pending[]>('status');
      return pending?.waitsFor.kind === 'timer' && pending;
    });
    expect(counting.dueIn).toBeGreaterThan(550);
    expect(counting.dueIn).toBeLessThanOrEqual(600);

    expect(await here.again(['cancel', 'later'])).toMatchObject({
      code: 0,
      stdout: 'Cancelled: later\n',
      stderr: '',
    });
    expect(await world.helpers()).toEqual([]);
    expect(await here.json('status')).toEqual([]);
    expectRefusal(await here.again(['cancel', 'later']), 1, 'nothing is pending');
    await world.settled(1);
  });

  test('several names: the soonest first; cancel takes one and leaves the others, --all takes them all', async (context) => {
    const here = await place(context);
    const { world } = here;
    const all = `[Exec['again'], Common::Again::Delta['other', 'with spaces', '120'], ${later}]`;
    await world.write('hold', '');
    const run = await here.startApply(
      `${delta('later', 700)}${delta('with spaces', 500)}${delta('other', 600)}${delta('120', 800)}
${notifyOnce(world, all)}
${hold(world, `require => ${all}`)}`,
    );
    await held(world, run);
    const names = async () => (await here.json<Pending[]>('status')).map(({ name }) => name).sort();
    expect(await names()).toEqual(['120', "Exec['again']", 'later', 'other', 'with spaces']);

    expect((await here.again(['cancel', 'again'])).stdout).toBe("Cancelled: Exec['again']\n");
    await world.node.files.remove(world.path('hold'));
    expect((await run.ended).code, run.output()).toBe(0);
    const order = await until('all to be counting', async () => {
      const pending = await here.json<Pending[]>('status');
      return pending.every(({ dueIn }) => dueIn !== null) && pending.map(({ name }) => name);
    });
    expect(order).toEqual(['with spaces', 'other', 'later', '120']);
    expect((await here.again(['cancel', '--', '120'])).output).toBe('Cancelled: 120\n');
    expect((await here.again(['cancel', 'other'])).output).toBe('Cancelled: other\n');
    expect((await world.helpers()).length).toBe(1);

    const { code, stdout } = await here.again(['cancel', '--all']);
    expect({
      code,
      names: stdout
        .replace(/^Cancelled: |\n$/g, '')
        .split(', ')
        .sort(),
    }).toEqual({
      code: 0,
      names: ['later', 'with spaces'],
    });
    expect(await world.helpers()).toEqual([]);
    await world.settled(1);
  });

  test('another run of the same command is in the way, and satisfies what is due', async (context) => {
    const here = await place(context);
    const { world } = here;
    const manifest = notifyOnce(world, later, `${delta('later', 5)}${hold(world)}`);
    const first = await here.apply(manifest);
    const { waiter } = announcement(first.output, 'again-delta-later');
    await world.node.files.remove(world.path('held'));
    await world.write('hold', '');
    const other = await here.startApply(manifest);
    await held(world, other);
    const blocked = await until('the rerun to be due', async () => {
      const [pending] = await here.json<Pending[]>('status');
      return pending?.dueIn === 0 && pending.waitsFor.kind !== 'timer' && pending;
    });
    expect(blocked).toMatchObject({ waitsFor: { kind: 'lock', pid: other.pid }, pid: waiter });
    expect((await here.again(['status'])).stdout).toMatch(
      new RegExp(`due +now\\n +waits for +another run, pid ${other.pid}\\n`),
    );
    await here.again(['cancel', '--all']);
    await world.node.files.remove(world.path('hold'));
    await other.ended;
    await world.settled(2);
  });
});

describe('what was', () => {
  test('history tells each rerun with the result of its report, and log shows what it wrote', async (context) => {
    const here = await place(context);
    const { world } = here;
    // Each run takes one of the steps away; the last one finds none, and fails where it is told to.
    await world.node.files.makeFolder(world.path('steps'));
    await world.write('steps/one', '');
    await world.write('steps/two', '');
    const step = `exec { 'step': command => 'rm "$(ls -d ${world.path('steps')}/* | head -n 1)"', provider => 'shell', path => '/usr/bin:/bin',
  onlyif => 'ls ${world.path('steps')}/*', notify => ${later} }
notify { "I am rerun \${facts['again']['chain']}": }`;
    const manifest = `include common::again\n${probe(world)}\n${delta('later', 1)}${step}\n`;
    const first = await here.apply(manifest);
    expect(first.code, first.output).toBe(0);
    await world.settled(3);

    const past = await here.json<Past[]>('history');
    expect(past).toHaveLength(2);
    const runs = await world.runs();
    for (const [n, one] of past.entries()) {
      expect(one).toEqual({
        id: expect.stringMatching(/^\d{8}T\d{6}Z-[0-9a-f]{6}$/),
        start: expect.stringMatching(/^\d{4}-.*Z$/),
        duration: expect.any(Number),
        result: 'changed',
        names: ['later'],
        command: expect.stringContaining('puppet apply'),
        chain: past[0]?.chain,
        link: n + 1,
        pid: runs[n + 1]?.run.pid,
        log: `${world.state}/logs/${one.id}.log`,
      });
      expect(one.duration).toBeGreaterThan(0.2);
      expect(one.duration).toBeLessThan(60);
    }
    expect(await here.json<Past[]>('history', '-n', '1')).toEqual(past.slice(-1));

    const { stdout } = await here.again(['history']);
    const lines = stdout.split('\n');
    expect(lines[0]).toContain('puppet apply');
    expect(lines[1]).toMatch(/^ {2}●─{62}● \d+ s$/);
    expect(lines.slice(2, 4).map((line) => line.trim().split(/ {2,}/)[0])).toEqual([
      expect.stringMatching(/^#1 .*Z$/),
      expect.stringMatching(/^#2 .*Z$/),
    ]);
    for (const line of lines.slice(1)) expect(line.length, line).toBeLessThanOrEqual(80);

    const newest = await here.again(['log']);
    expect(newest.code).toBe(0);
    expect(newest.stdout).toBe((await world.node.files.read(past[1]?.log ?? '')).toString());
    expect(newest.stdout).toContain('I am rerun 2');
    expect((await here.again(['log', past[0]?.id ?? ''])).stdout).toContain('I am rerun 1');
    await world.node.files.remove(past[0]?.log ?? '');
    expectRefusal(await here.again(['log', past[0]?.id ?? '']), 1, /the log of \S+ is gone/);
  });

  test('a rerun that fails; one that could not be started', async (context) => {
    const here = await place(context);
    const { world } = here;
    const fail = `exec { '/bin/false': onlyif => '/usr/bin/test -e ${world.trigger}.done', provider => 'posix' }
file { '${world.trigger}.done': content => '', require => Exec['/bin/false'] }`;
    await here.apply(notifyOnce(world, later, `${delta('later', 0)}${fail}`));
    await world.settled(2);
    expect(await here.json<Past[]>('history')).toMatchObject([{ result: 'failed', link: 1 }]);

    await world.node.files.remove(world.trigger);
    await world.node.files.remove(`${world.trigger}.done`);
    const site = world.path('site.pp');
    await here.apply(notifyOnce(world, later, `${delta('later', 3)}${fail}`));
    await world.node.files.remove(site);
    await world.settled(3);
    const past = await here.json<Past[]>('history');
    expect(past.map(({ result }) => result)).toEqual(['failed', `not run: the manifest ${site} is gone`]);
    expect((await here.again(['history'])).stdout).toContain('not run: the manifest');
  });

  test('log --follow goes on as long as the rerun does', async (context) => {
    const here = await place(context);
    const { world } = here;
    const manifest = notifyOnce(world, later, `${delta('later', 0)}${hold(world)}`);
    await world.write('hold-next', '');
    // Held from the second run on.
    const next = `exec { '/bin/mv ${world.path('hold-next')} ${world.path('hold')}':
  onlyif => '/usr/bin/test -e ${world.path('hold-next')}', provider => 'posix', require => Exec['/bin/sh ${world.path('hold.sh')}'] }`;
    const first = await here.apply(`${manifest}${next}`);
    const { log } = announcement(first.output, 'again-delta-later');
    await world.node.files.remove(world.path('held'));
    await held(world);

    expect(await here.json<Past[]>('history')).toMatchObject([{ result: 'running', duration: null }]);
    const follow = await here.startAgain('log', '--follow');
    await until('its first lines', () => follow.output().includes('Compiled catalog'), {
      seen: follow.output,
    });
    expect(follow.output()).not.toContain('Applied catalog');
    // Meant for other processes: `pkill -USR1 -f puppet`. Node would listen for a debugger.
    for (const signal of ['SIGUSR1', 'SIGUSR2']) await world.node.signal(follow.pid, signal);
    await until('the signals to be taken', async () => !(await hasPendingSignals(world, follow.pid)));
    expect(await listeningSockets(world, follow.pid)).toEqual([]);
    // Each of these lines is shown by itself: Node warns of a stream at its eleventh listener.
    for (let n = 1; n <= 12; n += 1) {
      await world.run({ argv: ['sh', '-c', 'echo "line $0" >>"$1"', String(n), log] });
      await until(`line ${n}`, () => follow.output().includes(`line ${n}\n`), { seen: follow.output });
    }
    await world.node.files.remove(world.path('hold'));
    const { code, stdout, stderr } = await follow.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe((await world.node.files.read(log)).toString());
    expect(stdout).toContain('Applied catalog');
    await world.settled(2);
  });
});

describe('on a terminal', () => {
  const sequence = '\x1b[';
  const onTerminal = async (here: Place, args: string, env: Record<string, string> = {}) => {
    const { stdout } = await here.world.node.exec({
      argv: ['script', '--quiet', '--return', '--command', `${here.link} ${args}`, '/dev/null'],
      env: { PATH: '/usr/bin:/bin', TERM: 'xterm', ...env },
    });
    return utf8(stdout).replaceAll('\r\n', '\n');
  };

  test('colours there, and nowhere else; none with NO_COLOR', async (context) => {
    const here = await place(context);
    const { world } = here;
    await here.apply(notifyOnce(world, later, delta('later', 600)));
    const plain = (await here.again(['status'])).stdout;
    const lines = (text: string) => text.replaceAll(/in \d+ min( \d+ s)?/g, 'in N');
    expect(plain).toContain('later\n');
    expect(plain).not.toContain(sequence);
    const coloured = await onTerminal(here, 'status');
    expect(coloured).toContain(`${sequence}1mlater${sequence}22m`);
    expect(lines(stripVTControlCharacters(coloured))).toBe(lines(plain));
    expect(lines(await onTerminal(here, 'status', { NO_COLOR: '1' }))).toBe(lines(plain));
    expect(await onTerminal(here, 'status --json')).not.toContain(sequence);
    await here.again(['cancel', '--all']);
    await world.settled(1);
  });
});
