import { expect, test } from 'vitest';
import { type Bench, expectNothingScheduled, expectOneRerun } from '../../support/machine/bench.ts';
import { openSyslog } from '../../support/machine/syslog.ts';
import { announcement, notifyOnce, outputOf, probe, type World } from '../../support/machine/world.ts';
import { until } from '../../support/wait.ts';
import { slowness } from './delta.ts';

const declare = (parameters: string, name = 'ready') => `common::again::when { '${name}': ${parameters} }`;
const ready = "Common::Again::When['ready']";
const exec = { exec: 'again-when-ready' };
/** Seconds, also on a slow machine: far less than the hour between two looks, or the half hour of a timeout. How soon it really is, `npm run bench` measures. */
const SOON = 30;

/** `common::again::when`: a rerun as soon as something is there. */
export function whenScenarios(bench: Bench): void {
  test('a path that comes after the run: the rerun starts at once, long before the next look', async (context) => {
    const world = await bench.world(context);
    const goal = world.path('there', 'goal');
    const site = await world.write(
      'site.pp',
      notifyOnce(world, ready, declare(`exists => '${goal}', interval => 3600`)),
    );
    const first = await world.run({ argv: world.apply(site) });
    expect(announcement(first.output, exec.exec).line).toContain(
      `has ended and ${goal} exists, at the latest after 1800 s`,
    );
    await looked(world, /is not there$/);
    await world.node.files.makeFolder(world.path('there'));
    await world.node.files.write(goal, '');
    const came = await uptime(world);
    await expectOneRerun(world, first.output, exec);
    const { starts } = await world.clock();
    expect((starts[1]?.at ?? 0) - came).toBeLessThan(SOON);
  });

  testHeldAtEnd(
    bench,
    'paths and a command, of which some hold already, and the others come during the run',
    withPaths,
  );
  testHeldAtEnd(bench, 'a port whose server the run starts', withServer);

  test('a port that begins to answer, by the name of its host', async (context) => {
    const world = await bench.world(context);
    const { free, listen } = await openPorts(world);
    const port = await free();
    const site = await world.write(
      'site.pp',
      notifyOnce(world, ready, declare(`connects => 'localhost:${port}', interval => 1`)),
    );
    const first = await world.run({ argv: world.apply(site) });
    await looked(world, new RegExp(`^localhost:${port}: connection refused$`));
    await listen(port);
    await expectOneRerun(world, first.output, exec);
  });

  test('a port that answers already is due when the run has ended; one that never does is not waited for any longer than its time', async (context) => {
    const world = await bench.world(context);
    const syslog = await openSyslog(world);
    const { free, listen } = await openPorts(world);
    const [port, deaf] = [await listen(), await free()];
    const more = `${declare(`connects => ['localhost:${port}', '127.0.0.1:${port}'], interval => 3600`)}
${declare(`connects => 'localhost:${deaf}', interval => 1, timeout => 2, on_timeout => 'drop'`, 'never')}
exec { '/bin/sleep 1': require => ${ready} }`;
    const target = `[${ready}, Common::Again::When['never']]`;
    const site = await world.write('site.pp', notifyOnce(world, target, more));
    const first = await world.run({ argv: world.apply(site), wrap: syslog.wrap });
    await expectOneRerun(world, first.output, exec);
    const { starts, ends } = await world.clock();
    const wait = (starts[1]?.at ?? 0) - (ends[0]?.at ?? 0);
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThan(SOON);
    await syslog.line(new RegExp(`^dropped: never: .*localhost:${deaf}\\b`));
    const history = JSON.parse(await ask(world, 'history', '--json'));
    expect(history).toEqual([expect.objectContaining({ names: ['ready'] })]);
  });

  test('a file system that is mounted over the folder of a path, with the path in it: the next look finds it', async (context) => {
    const world = await bench.world(context);
    const [folder, interval] = [world.path('brick'), 3];
    await world.node.files.makeFolder(folder);
    const site = await world.write(
      'site.pp',
      notifyOnce(world, ready, declare(`exists => '${folder}/goal', interval => ${interval}`)),
    );
    const first = await world.run({ argv: world.apply(site) });
    await looked(world, /is not there$/);
    const must = async (...argv: string[]) => {
      const { code, output } = await world.run({ argv });
      expect(code, output).toBe(0);
    };
    await must('mount', '-t', 'tmpfs', 'tmpfs', folder);
    context.onTestFinished(() => must('umount', '--lazy', folder));
    // inotify tells nothing of it: what is watched is the folder below.
    await must('touch', `${folder}/goal`);
    const came = await uptime(world);
    await expectOneRerun(world, first.output, exec);
    const { starts } = await world.clock();
    expect((starts[1]?.at ?? 0) - came).toBeLessThan(SOON);
  });

  test('a Sensitive command has the environment and the directory of the run, and is nowhere to be read', async (context) => {
    const world = await bench.world(context);
    const syslog = await openSyslog(world);
    const [goal, seen] = [world.path('goal'), world.path('seen')];
    const command = `echo "do-not-show-me $OF_THE_RUN $PWD $(id -u)" > ${seen}.new; mv ${seen}.new ${seen}; test -e ${goal}`;
    const site = await world.write(
      'site.pp',
      notifyOnce(world, ready, declare(`succeeds => Sensitive('${command}'), interval => 1`)),
    );
    const launch = { argv: world.apply('--debug', site), wrap: syslog.wrap, env: { OF_THE_RUN: 'yes' } };
    const first = await world.run(launch);
    const { waiter } = announcement(first.output, exec.exec);
    expect(first.output).not.toContain('do-not-show-me');
    await looked(world, /^its command has ended with 1$/);
    expect((await world.node.files.read(seen)).toString()).toBe(`do-not-show-me yes ${world.dir} 0\n`);
    const [helper] = await world.helpers();
    expect(helper?.pid).toBe(waiter);
    expect(helper?.argv.join(' ')).toMatch(/--name ready --delta 0 --when|--name ready --when/);
    expect(helper?.argv.join(' ')).not.toContain('do-not-show-me');
    expect(await filesThatHold(world, 'do-not-show-me'), 'no words on the disk').toEqual([]);
    const status = await ask(world, 'status');
    expect(status).toContain('its command (Sensitive) succeeds');
    expect(status).not.toContain('do-not-show-me');

    await world.node.files.write(goal, '');
    await world.settled(2);
    expect(await syslog.line(/^ready: ready: its command succeeds$/)).toBeDefined();
    expect((await syslog.lines()).join('\n')).not.toContain('do-not-show-me');
    const report = await world.node.files.read(world.path('var/state/last_run_report.yaml')).catch(() => '');
    expect(report.toString()).not.toContain('do-not-show-me');
  });

  test('again status shows a command that is not Sensitive, how often it was looked at, and the last answer', async (context) => {
    const world = await bench.world(context);
    const command = `['/usr/bin/test', '-e', '${world.path('goal')}']`;
    const site = await world.write(
      'site.pp',
      notifyOnce(world, ready, declare(`succeeds => ${command}, interval => 1`)),
    );
    await world.run({ argv: world.apply(site) });
    const shown = await until('the second look', async () => {
      const [one] = await pending(world);
      return (one?.condition?.looks ?? 0) >= 2 && one;
    });
    expect(shown).toMatchObject({
      name: 'ready',
      dueIn: null,
      waitsFor: { kind: 'condition' },
      condition: {
        what: `\`/usr/bin/test -e ${world.path('goal')}\` succeeds`,
        met: false,
        answer: 'its command has ended with 1',
        onTimeout: 'run',
      },
    });
    expect(JSON.stringify(shown)).not.toContain('WORLD=');
    await world.node.files.write(world.path('goal'), '');
    await world.settled(2);
  });

  test('a condition that has held once stays due, whatever becomes of it while another run is in the way', async (context) => {
    const world = await bench.world(context);
    const [goal, gate] = [world.path('goal'), world.path('gate')];
    const site = await world.write(
      'site.pp',
      notifyOnce(world, ready, declare(`exists => '${goal}', interval => 1`)),
    );
    const first = await world.run({ argv: world.apply(site) });
    await looked(world, /is not there$/);
    const other = await world.start({
      argv: world.apply(
        '-e',
        `exec { 'gate': command => '/bin/sh -c "touch ${gate}-on; until test -e ${gate}; do sleep 0.1; done"' }`,
      ),
    });
    await until('the other run', () => world.node.files.exists(`${gate}-on`), { seen: other.output });
    await world.node.files.write(goal, '');
    await until('the condition to be met', async () => (await pending(world))[0]?.condition?.met === true);
    await world.node.files.remove(goal);
    expect(await world.runs()).toHaveLength(1);
    await world.node.files.write(gate, '');
    await other.ended;
    await expectOneRerun(world, first.output, exec);
  });

  test('one that never holds: the rerun comes when its time is over, or never, and the journal says so', async (context) => {
    const world = await bench.world(context);
    const syslog = await openSyslog(world);
    const more = `${declare("exists => '/nonexistent', interval => 1, timeout => 4")}
${declare("exists => '/nonexistent', interval => 1, timeout => 2, on_timeout => 'drop'", 'never')}
${declare("succeeds => '/bin/false', interval => 1, timeout => 2, on_timeout => 'drop'", 'no success')}`;
    const target = `[${ready}, Common::Again::When['never'], Common::Again::When['no success']]`;
    const site = await world.write('site.pp', notifyOnce(world, target, more));
    const first = await world.run({ argv: world.apply(site), wrap: syslog.wrap });
    await expectOneRerun(world, first.output, exec);
    const { starts, ends } = await world.clock();
    expect((starts[1]?.at ?? 0) - (ends[0]?.at ?? 0)).toBeGreaterThanOrEqual(4);
    await syslog.line(/^dropped: never: not true within 2 s: \/nonexistent exists$/);
    await syslog.line(/^dropped: no success: not true within 2 s: its command succeeds$/);
    await syslog.line(/^timed out: ready: not true within 4 s: \/nonexistent exists; it runs all the same$/);
    const history = JSON.parse(await ask(world, 'history', '--json'));
    expect(history).toEqual([expect.objectContaining({ names: ['ready'] })]);
  });

  test('a command that hangs delays nothing else, and nothing of it is left when the rerun starts', async (context) => {
    const world = await bench.world(context);
    const goal = world.path('goal');
    const hang = `setsid -f sleep 3600; (sleep 3600 &); sleep 3600`;
    const more = `${declare(`succeeds => '${hang}', interval => 1, on_timeout => 'drop'`)}
${declare(`exists => '${goal}', interval => 3600`, 'other')}`;
    const target = `[${ready}, Common::Again::When['other']]`;
    const site = await world.write('site.pp', notifyOnce(world, target, more));
    const first = await world.run({ argv: world.apply(site) });
    const hung = await until('the command to hang', async () => {
      const pids = await sleepers(world);
      return pids.length >= 3 && pids;
    });
    await world.node.files.write(goal, '');
    const came = await uptime(world);
    const rerun = await until('the rerun', async () => (await world.runs())[1]);
    const { starts } = await world.clock();
    expect((starts[1]?.at ?? 0) - came, 'less than a command may take').toBeLessThan(20);
    expect(rerun.run.pid).toBe(announcement(first.output, 'again-when-other').waiter);
    expect(
      (await sleepers(world)).filter((pid) => hung.includes(pid)),
      'what the former waiter had started',
    ).toEqual([]);
    await until('the successor', async () => (await pending(world))[0]?.name === 'ready');
    await ask(world, 'cancel', '--all');
    await until('the end of all that hung', async () => (await sleepers(world)).length === 0, {
      seen: () => sleepers(world),
    });
    await world.settled(2);
  });

  testNotTrue(bench, 'that is not there', "['/nonexistent']", 'its command cannot be started (ENOENT)', true);

  test('a name server that does not answer holds up neither a path nor the end of the run', async (context) => {
    const world = await bench.world(context);
    const { wrap, useSilentServer, useMachinesOwn } = await openResolver(world, '127.0.0.77');
    const goal = world.path('goal');
    const more = `${declare("connects => 'slow.example.com:22', interval => 1, on_timeout => 'drop'")}
${declare(`exists => '${goal}', interval => 3600`, 'other')}`;
    const target = `[${ready}, Common::Again::When['other']]`;
    const site = await world.write('site.pp', notifyOnce(world, target, more));
    const first = await world.run({ argv: world.apply(site), wrap });
    await looked(world, /is not there$/, 'other');
    await useSilentServer();
    await looked(world, /^slow\.example\.com:22: no answer to its name$/);
    await lookUpHangs(world);
    await useMachinesOwn();
    await world.node.files.write(goal, '');
    const came = await uptime(world);
    const rerun = await until('the rerun', async () => (await world.runs())[1]);
    expect(rerun.run.pid).toBe(announcement(first.output, 'again-when-other').waiter);
    const { starts } = await world.clock();
    expect(
      (starts[1]?.at ?? 0) - came - (await slowness(world)),
      'less than a look-up may take',
    ).toBeLessThan(8);
    await ask(world, 'cancel', '--all');
    await world.settled(2);
  });

  test('a delta and a when of one name are two, and again cancel ends both', async (context) => {
    const world = await bench.world(context);
    const more = `${declare("exists => '/nonexistent'")}\ncommon::again::delta { 'ready': delta => 3600 }`;
    const target = `[${ready}, Common::Again::Delta['ready']]`;
    const site = await world.write('site.pp', notifyOnce(world, target, more));
    await world.run({ argv: world.apply(site) });
    expect((await pending(world)).map(({ name }) => name)).toEqual(['ready', 'ready']);
    expect(await ask(world, 'cancel', 'ready')).toBe('Cancelled: ready, ready\n');
    await expectNothingScheduled(world);
  });
}

/** The ones that take minutes. */
export function slowWhenScenarios(bench: Bench): void {
  testHeldAtEnd(bench, 'a command that succeeds already', withCommand);
  testNotTrue(
    bench,
    'that is not executable',
    "['/etc/passwd', 'x']",
    'its command cannot be started (EACCES)',
    true,
  );
  testNotTrue(
    bench,
    'that writes megabytes',
    "'yes | head --bytes 5000000; yes | head --bytes 5000000 >&2; exit 3'",
    'its command has ended with 3',
  );
  testNotTrue(bench, 'that is killed', "'kill -KILL $$'", 'its command was killed by SIGKILL');

  test('a hundred of one run: one waiter, and one rerun once all of them hold', async (context) => {
    const world = await bench.world(context);
    const goal = world.path('goal');
    const names = Array.from({ length: 100 }, (_, n) => `n${n}`);
    const body = names
      .map((name) =>
        declare(`exists => '${goal}', succeeds => 'echo >> ${world.path('looks')}', interval => 3600`, name),
      )
      .join('\n');
    const targets = names.map((name) => `Common::Again::When['${name}']`).join(', ');
    const site = await world.write('site.pp', notifyOnce(world, `[${targets}]`, body));
    const run = await world.start({ argv: world.apply(site), seconds: 300 });
    const { output } = await run.ended;
    const waiters = new Set(
      names.map((name) => /waiter pid (\d+)/.exec(outputOf(output, `again-when-${name}`)[0] ?? '')?.[1]),
    );
    expect([...waiters], output).toHaveLength(1);
    await looked(world, /is not there$/, 'n99');
    await world.node.files.write(goal, '');
    const [, rerun] = await world.settled(2);
    expect(String(rerun?.run.pid)).toBe([...waiters][0]);
    const looks = (await world.node.files.read(world.path('looks'))).toString();
    expect(looks, 'all of them ask for the same').toBe('\n');
  }, 400_000);

  test('another run that notifies takes the words over, also of a waiter that is stopped', async (context) => {
    const world = await bench.world(context);
    const goal = world.path('goal');
    const when = declare(`succeeds => Sensitive('test -e ${goal}'), interval => 1`);
    const delta = "common::again::delta { 'later': delta => 3600 }";
    const other = `file { '${world.path('other')}': content => "x\\n", notify => Common::Again::Delta['later'] }`;
    const body = `if find_file('${world.path('second')}') { ${other} }`;
    const site = await world.write('site.pp', notifyOnce(world, ready, `${when}\n${delta}\n${body}`));
    const first = await world.run({ argv: world.apply(site) });
    const former = announcement(first.output, exec.exec).waiter;
    await looked(world, /^its command has ended with 1$/);
    await world.node.signal(former, 'SIGSTOP');
    await world.write('second', '');
    const second = await world.run({ argv: world.apply(site) });
    const { waiter } = announcement(second.output, 'again-delta-later');
    expect(waiter).not.toBe(former);
    await world.node.signal(former, 'SIGCONT');
    await until('the end of the former waiter', async () => {
      const helpers = await world.helpers();
      return helpers.length === 1 && helpers[0]?.pid === waiter;
    });
    await looked(world, /^its command has ended with 1$/);
    await world.node.files.write(goal, '');
    const rerun = await until('the rerun', async () => (await world.runs())[2]);
    expect(rerun.run.pid).toBe(waiter);
    await ask(world, 'cancel', '--all');
    await world.settled(3);
  });

  test('a chain of them backs off after its burst, before it looks', async (context) => {
    const world = await bench.world(context);
    const always = `include common::again
${declare("exists => '/proc', interval => 1")}
${probe(world, 'run', `notify => ${ready},`)}
`;
    const settings = await world.node.files.read(world.path('conf/data/world.yaml'));
    await world.write(
      'conf/data/world.yaml',
      `${settings}common::again::burst: 1\ncommon::again::max_delay: 30\n`,
    );
    const site = await world.write('site.pp', always);
    await world.run({ argv: world.apply(site) });
    const second = await until(
      'the second link',
      async () => (await pending(world)).find(({ link }) => link === 2),
      {
        seconds: 100,
      },
    );
    expect(second).toMatchObject({ wait: 30 });
    await until('the second rerun', async () => (await world.runs()).length === 3, { seconds: 100 });
    const { starts, ends } = await world.clock();
    expect((starts[2]?.at ?? 0) - (ends[1]?.at ?? 0)).toBeGreaterThanOrEqual(30);
    await until('the third link', async () => (await pending(world)).some(({ link }) => link === 3));
    await ask(world, 'cancel', '--all');
    await world.settled(3);
  });

  test('a name that is not resolved for a minute, and then is: the rerun comes by the port behind it', async (context) => {
    const world = await bench.world(context);
    const syslog = await openSyslog(world);
    const { wrap, useSilentServer, answer } = await openResolver(world, '127.0.0.78');
    const port = await (await openPorts(world)).listen();
    const endpoint = `late.example.com:${port}`;
    const site = await world.write(
      'site.pp',
      notifyOnce(world, ready, declare(`connects => '${endpoint}', interval => 1`)),
    );
    const first = await world.run({ argv: world.apply(site), wrap: [...syslog.wrap, ...wrap] });
    await useSilentServer();
    // Each of these looks takes 10 s: with the first one, a minute.
    await looked(world, /: no answer to its name$/);
    const seen = (await pending(world))[0]?.condition?.looks ?? 0;
    const more = await until(
      'five more looks',
      async () => {
        const [one] = await pending(world);
        return (one?.condition?.looks ?? 0) >= seen + 5 && one;
      },
      { seconds: 150, seen: () => pending(world) },
    );
    expect(more.condition).toMatchObject({ met: false, answer: `${endpoint}: no answer to its name` });
    expect(await world.runs()).toHaveLength(1);
    await answer('late.example.com');
    const came = await uptime(world);
    await expectOneRerun(world, first.output, exec);
    const { starts } = await world.clock();
    // The look-up that hangs is ended first.
    expect((starts[1]?.at ?? 0) - came).toBeLessThan(10 + SOON);
    await syslog.line(new RegExp(`^ready: ready: ${endpoint.replaceAll('.', '\\.')} answers$`));
    expect((await syslog.lines()).filter((line) => /^timed out|^dropped/.test(line))).toEqual([]);
  });
}

/** What comes in the run itself, and so does not wait for a look. */
function testHeldAtEnd(bench: Bench, what: string, parts: (world: World) => Parts | Promise<Parts>): void {
  test(`${what}: due when that has ended`, async (context) => {
    const world = await bench.world(context);
    const { condition, comes } = await parts(world);
    const more = `${declare(`${condition}, interval => 3600`)}
exec { '/bin/sleep 2': require => ${ready} }
exec { 'it comes': ${comes}, require => Exec['/bin/sleep 2'] }`;
    const site = await world.write('site.pp', notifyOnce(world, ready, more));
    const first = await world.run({ argv: world.apply(site) });
    expect(first.output).toContain('Exec[it comes]/returns: executed successfully');
    await expectOneRerun(world, first.output, exec);
    const { starts, ends } = await world.clock();
    expect((starts[1]?.at ?? 0) - (ends[0]?.at ?? 0)).toBeGreaterThan(0);
    expect((starts[1]?.at ?? 0) - (ends[0]?.at ?? 0)).toBeLessThan(SOON);
  });
}

/** @param told whether the journal has the answer, too */
function testNotTrue(bench: Bench, what: string, succeeds: string, answer: string, told = false): void {
  test(`a command ${what} counts as not true${told ? ', and the journal says so once' : ''}`, async (context) => {
    const world = await bench.world(context);
    const syslog = await openSyslog(world);
    const site = await world.write(
      'site.pp',
      notifyOnce(world, ready, declare(`succeeds => ${succeeds}, interval => 1`)),
    );
    await world.run({ argv: world.apply(site), wrap: syslog.wrap });
    const shown = await until('the third look', async () => {
      const [one] = await pending(world);
      return (one?.condition?.looks ?? 0) >= 3 && one;
    });
    expect(shown.condition?.answer).toBe(answer);
    const lines = (await syslog.lines()).filter((line) => line.includes('cannot be started'));
    expect(lines).toEqual(told ? [`waiting: ready: ${answer}, so it counts as not true`] : []);
    const [helper] = await world.helpers();
    // The command of a look is one for milliseconds.
    await until('no zombie of the waiter', async () =>
      (await world.node.processes()).every(({ parent, state }) => parent !== helper?.pid || state !== 'Z'),
    );
    await ask(world, 'cancel', 'ready');
    await expectNothingScheduled(world);
  });
}

/** A condition for a manifest, and the parameters of the exec of that run after which it holds. */
interface Parts {
  readonly condition: string;
  readonly comes: string;
}

function withPaths(world: World): Parts {
  const goal = world.path('goal');
  return {
    condition: `exists => ['/proc', '${goal}'], succeeds => 'test -e ${goal}'`,
    comes: `command => '/usr/bin/touch ${goal}'`,
  };
}

function withCommand(): Parts {
  return { condition: "succeeds => '/bin/true'", comes: "command => '/bin/true'" };
}

async function withServer(world: World): Promise<Parts> {
  const { free, command } = await openPorts(world);
  const port = await free();
  const file = world.path('it-listens');
  return {
    condition: `connects => 'localhost:${port}'`,
    comes: `command => '${command(port, file, 'daemon').join(' ')}', environment => 'RUBYOPT=', creates => '${file}'`,
  };
}

/** A /etc/resolv.conf for the commands of a world, with a name server that takes each question and is silent at first. */
interface Resolver {
  /** The words before a command that is to have it. It is the machine's own at first, since Facter resolves names, too. */
  readonly wrap: readonly string[];
  useSilentServer(): Promise<void>;
  useMachinesOwn(): Promise<void>;
  /** From now on, that server answers: this name is the loopback address, and there is no other. */
  answer(name: string): Promise<void>;
}

const ownResolver = 'mount --bind "$1" /etc/resolv.conf; shift; exec "$@"';

const nameServer = `socket = UDPSocket.new
socket.bind(ARGV[0], 53)
File.write(ARGV[1], '')
loop do
  question, sender = socket.recvfrom(512)
  next unless File.exist?(ARGV[2])
  message = Resolv::DNS::Message.decode(question)
  message.qr = message.ra = 1
  message.each_question do |name, type|
    if name.to_s != File.read(ARGV[2])
      message.rcode = Resolv::DNS::RCode::NXDomain
    elsif type == Resolv::DNS::Resource::IN::A
      message.add_answer(name, 60, type.new('127.0.0.1'))
    end
  end
  socket.send(message.encode, 0, sender[3], sender[1])
end
`;

/** @param address of the loopback network, on which nothing else listens: all worlds have the network of the machine */
async function openResolver(world: World, address: string): Promise<Resolver> {
  const [script, listens, answers] = [
    await world.write('name-server.rb', nameServer),
    world.path('name-server-listens'),
    world.path('name-server-answers'),
  ];
  const server = await world.start({
    argv: ['/usr/bin/ruby', '-rsocket', '-rresolv', script, address, listens, answers],
    env: { RUBYOPT: '' },
    seconds: 900,
  });
  await until('the name server', () => world.node.files.exists(listens), { seen: server.output });
  const silent = await world.write('silent.conf', `nameserver ${address}\noptions timeout:30 attempts:3\n`);
  const resolv = world.path('resolv.conf');
  const use = async (from: string) => {
    const argv = ['/bin/sh', '-euc', 'cat "$1" > "$2"', 'sh', from, resolv];
    const { code, output } = await world.node.exec({ argv });
    expect(code, output).toBe(0);
  };
  await use('/etc/resolv.conf');
  return {
    wrap: ['unshare', '--mount', '--', '/bin/sh', '-euc', ownResolver, 'sh', resolv],
    useSilentServer: () => use(silent),
    useMachinesOwn: () => use('/etc/resolv.conf'),
    answer: (name) => world.node.files.write(answers, name),
  };
}

/** Ports of the loopback address. */
interface Ports {
  /** One on which no process listens. */
  free(): Promise<string>;
  /** Starts a server on one, or on a free one, until the world ends. */
  listen(port?: string): Promise<string>;
  /** The words of a command that opens one, writes its number into a file, and ends. With `on`, it continues to listen instead; with `daemon`, it leaves a process behind that does. */
  command(port: string, file: string, how?: 'on' | 'daemon'): string[];
}

async function openPorts(world: World): Promise<Ports> {
  const script = await world.write(
    'server.rb',
    `server = TCPServer.new('127.0.0.1', ARGV[0].to_i)
File.write(ARGV[1], "#{server.addr[1]}\\n")
Process.daemon if ARGV[2] == 'daemon'
loop { server.accept.close } if ARGV[2]
`,
  );
  const command: Ports['command'] = (port, file, how) => [
    ...['/usr/bin/ruby', '-rsocket', script, port, file],
    ...(how ? [how] : []),
  ];
  const start = (...args: Parameters<Ports['command']>) =>
    world.start({ argv: command(...args), env: { RUBYOPT: '' }, seconds: 900 });
  const told = async (file: string) =>
    (await world.node.files.exists(file)) &&
    /^(\d+)\n$/.exec((await world.node.files.read(file)).toString())?.[1];
  let count = 0;
  return {
    command,
    free: async () => {
      const file = world.path('free-port');
      await (await start('0', file)).ended;
      return (await told(file)) || '';
    },
    listen: async (port = '0') => {
      count += 1;
      const file = world.path(`port-${count}`);
      const server = await start(port, file, 'on');
      return until('the port', () => told(file), { seen: server.output });
    },
  };
}

/** A `when` in the output of `again status --json`. */
interface Pending {
  readonly name: string;
  readonly link: number;
  readonly wait: number;
  readonly waitsFor: { readonly kind: string };
  readonly condition?: {
    readonly what: string;
    readonly met: boolean;
    readonly looks: number;
    readonly answer: string | null;
  };
}

async function ask(world: World, ...words: string[]): Promise<string> {
  return (await world.run({ argv: [`${world.again}/again`, ...words] })).stdout;
}

async function pending(world: World): Promise<readonly Pending[]> {
  return JSON.parse(await ask(world, 'status', '--json'));
}

/** Waits until a when was looked at, with this answer. */
async function looked(world: World, answer: RegExp, name = 'ready'): Promise<void> {
  await until(
    `a look at ${name} with the answer ${answer}`,
    async () => {
      const one = (await pending(world)).find((other) => other.name === name);
      return answer.test(one?.condition?.answer ?? '');
    },
    { seen: () => pending(world) },
  );
}

/** The processes that a hanging command has started. */
async function sleepers(world: World): Promise<readonly number[]> {
  const all = await world.processes();
  return all.filter(({ argv }) => argv.join(' ') === 'sleep 3600').map(({ pid }) => pid);
}

/** Waits until one and the same look-up of a name has gone on for two seconds. */
async function lookUpHangs(world: World): Promise<void> {
  let [pid, since] = [0, 0];
  await until(
    'a look-up of a name that hangs',
    async () => {
      const going = (await world.processes()).find(({ argv }) => argv[0] === 'getent');
      if (going?.pid !== pid) [pid, since] = [going?.pid ?? 0, performance.now()];
      return pid !== 0 && performance.now() - since > 2000;
    },
    { seen: async () => (await world.processes()).map(({ argv }) => argv) },
  );
}

/** Seconds of the clock by which runs are timed. */
async function uptime(world: World): Promise<number> {
  return Number((await world.node.files.read('/proc/uptime')).toString().split(' ')[0]);
}

async function filesThatHold(world: World, text: string): Promise<string[]> {
  const { stdout } = await world.node.exec({
    argv: ['/bin/grep', '-rlsF', '--exclude=again', '--', text, world.again],
  });
  return stdout.split('\n').filter(Boolean);
}
