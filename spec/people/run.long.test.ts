import { describe, expect, test } from 'vitest';
import { bundledPuppet } from '../support/machine/bundler.ts';
import { notifyOnce, outputOf, probe } from '../support/machine/world.ts';
import { until } from '../support/wait.ts';
import { converges, expectNothingLeft, foreground, innerRun, saidByRun } from './foreground.ts';

const { place } = foreground();
const later = "Common::Again::Delta['later']";
const delta = (name: string, seconds: number) => `common::again::delta { '${name}': delta => ${seconds} }\n`;

describe.concurrent('a manifest that converges in three runs', () => {
  test('inside of `chronic`, which shows all runs if the last one has failed, and else none', async (context) => {
    const here = await place(context);
    const { world } = here;
    const quiet = await here.run([], await here.apply(converges(world, 2)), { wrap: ['chronic'] });
    expect(quiet).toMatchObject({ code: 0, output: '' });
    expect(await world.runs()).toHaveLength(2);
    await world.node.files.remove(world.path('steps'));
    const fails = `if find_file('${world.path('steps')}') { fail('no second time') }`;
    const command = await here.apply(converges(world, 2, "Exec['again']", fails));
    const { code, output } = await here.run([], command, { wrap: ['chronic'] });
    expect(code, output).toBe(1);
    expect(outputOf(output, 'again')).toHaveLength(1);
    expect(output).toContain('no second time');
    expect(await world.runs(), output).toHaveLength(3);
    await expectNothingLeft(here);
  });

  test.for([
    ['flock', async (here: Awaited<ReturnType<typeof place>>) => ['flock', here.world.path('lock')]],
    ['timeout', async () => ['timeout', '100']],
    ['a shell', async () => ['sh', '-c', '"$@"; code=$?; exit $code', 'sh']],
    ['nice', async () => ['nice', '-n', '3']],
  ] as const)('below %s, which is started again with it', async ([, wrapper], context) => {
    const here = await place(context);
    const command = await here.apply(converges(here.world, 3));
    const { code, output } = await here.run([], [...(await wrapper(here)), ...command]);
    expect(code, output).toBe(0);
    expect(await here.world.runs(), output).toHaveLength(3);
    await expectNothingLeft(here);
  });

  test.for([['by its path'], ['by its name']] as const)(
    'by `bundle exec` of `puppet`, %s',
    async ([how], context) => {
      const here = await place(context);
      const { world } = here;
      const puppet = await bundledPuppet(world, how);
      const [, ...args] = await here.apply(converges(world, 3));
      const { code, output } = await here.run([], [...puppet.words, ...args], { env: puppet.env });
      expect(code, output).toBe(0);
      const runs = await world.runs();
      expect(runs, output).toHaveLength(3);
      // By its name, its title is so long that /proc shows nothing of its environment.
      const shown = runs.filter(({ run }) => run.environ.includes('BUNDLE_GEMFILE='));
      expect(shown).toHaveLength(how === 'by its name' ? 0 : 3);
      await expectNothingLeft(here);
    },
  );
});

describe.concurrent('standard input', () => {
  test('is kept where the manifest comes from there, by each of its names', {
    timeout: 600_000, // nine runs, one after the other
  }, async (context) => {
    const here = await place(context);
    const { world } = here;
    for (const name of [[], ['/dev/stdin']]) {
      await world.node.files.remove(world.path('steps'));
      const before = (await world.runs()).length;
      const site = await world.write('site.pp', converges(world, 3));
      const argv = ['sh', '-c', 'cat "$0" | "$@"', site, here.again, 'run', '--', ...world.apply(...name)];
      const { code, output } = await world.run({ argv });
      expect(code, output).toBe(0);
      expect((await world.runs()).length - before, output).toBe(3);
    }
    await world.node.files.remove(world.path('steps'));
    const before = (await world.runs()).length;
    const site = await world.write('site.pp', converges(world, 3));
    const argv = ['bash', '-c', '"$@" <(cat "$0")', site, here.again, 'run', '--', ...world.apply()];
    const { code, output } = await world.run({ argv });
    expect(code, output).toBe(0);
    expect((await world.runs()).length - before, output).toBe(3);
    await expectNothingLeft(here);
  });
});

describe.concurrent('the exit code', () => {
  test('125 when one run has asked for more reruns than the limit allows', async (context) => {
    const here = await place(context);
    const both = "[Common::Again::Delta['soon'], Common::Again::Delta['later']]";
    const deltas = "common::again::delta { 'soon': delta => 1; 'later': delta => 30 }\n";
    const { code, output } = await here.run(
      ['--limit', '1'],
      await here.apply(notifyOnce(here.world, both, deltas)),
    );
    expect(code, output).toBe(125);
    expect(await here.world.runs()).toHaveLength(2);
    expect(saidByRun(output).at(-1)).toBe(
      'again run: the limit of 1 reruns is reached, and another one is wanted',
    );
    await expectNothingLeft(here);
  });
});

describe.concurrent('others', () => {
  test('two at once do not know of each other', async (context) => {
    const here = await place(context);
    const { world } = here;
    const one = await here.start([], await here.apply(converges(world, 3)));
    const other = await world.write(
      'other.pp',
      converges(world, 3).replaceAll(world.path('steps'), world.path('steps2')),
    );
    const two = await here.start([], world.apply(other));
    const ended = await Promise.all([one.ended, two.ended]);
    expect(
      ended.map(({ code }) => code),
      JSON.stringify(ended),
    ).toEqual([0, 0]);
    expect(await world.runs()).toHaveLength(6);
    await expectNothingLeft(here);
  });

  test('one that is stopped (Ctrl-Z) keeps nobody from cancelling what is pending in the background, and is named', async (context) => {
    const here = await place(context);
    const { world } = here;
    // A shell that stays: what starts it here would stop with its child.
    const wrap = ['sh', '-c', '"$@"; exit $?', 'sh'];
    const waiting = await here.start([], await here.apply(converges(world, 3, later, delta('later', 300))), {
      wrap,
    });
    await until('the wait', () => saidByRun(waiting.output()).length > 0, { seen: waiting.output });
    const pid = Number(/again run, pid (\d+)/.exec(waiting.output())?.[1]);
    const elsewhere = "Common::Again::Delta['elsewhere']";
    const site = await world.write('other.pp', converges(world, 9, elsewhere, delta('elsewhere', 3600)));
    const env = { FACTER_puppet_vardirtmp: world.path('base') };
    const background = await world.run({ argv: world.apply(site), env });
    expect(background.code, background.output).toBe(0);

    await world.node.signal(pid, 'SIGSTOP');
    expect(await world.run({ argv: [here.again, 'cancel', '--all'] })).toMatchObject({
      code: 1,
      stdout: 'Cancelled: elsewhere\n',
      stderr: `again: \`again run\` (pid ${pid}) does not answer: continue it (\`fg\`), or end it\n`,
    });
    // When it continues, it does as it was told.
    await world.node.signal(pid, 'SIGCONT');
    expect((await waiting.ended).code, waiting.output()).toBe(0);
    expect(await world.runs()).toHaveLength(2);
    await expectNothingLeft(here);
  });

  test('within an exec of a Puppet run, it does not wait for that one', async (context) => {
    const here = await place(context);
    const { world } = here;
    const command = await innerRun(here);
    const outer = `exec { '${command}': logoutput => true, timeout => 300, provider => 'posix' }`;
    const { code, output } = await world.run({ argv: await here.apply(outer) });
    expect(code, output).toBe(0);
    expect(await world.runs(), output).toHaveLength(3);
    await expectNothingLeft(here);
  });

  test('a condition is not waited for beyond --max-wait, and no rerun is made for that', async (context) => {
    const here = await place(context);
    const when = "common::again::when { 'ready': exists => '/nonexistent', interval => 1 }";
    const command = await here.apply(converges(here.world, 2, "Common::Again::When['ready']", when));
    const { code, output } = await here.run(['--max-wait', '2'], command);
    expect(code, output).toBe(0);
    expect(await here.world.runs(), output).toHaveLength(1);
    expect(saidByRun(output)).toContain('again run: ready: not true within 2 s: /nonexistent exists');
    await expectNothingLeft(here);
  });

  test('a condition that comes to hold in a run in which its time ends is looked at once more', async (context) => {
    const here = await place(context);
    const { world } = here;
    const [goal, steps] = [world.path('goal'), world.path('steps')];
    const command = await here.apply(`include common::again
${probe(world)}
common::again::when { 'flag': exists => '${goal}' }
Exec { provider => 'shell', path => '/usr/bin:/bin' }
exec { 'first':
  command => 'true',
  onlyif  => 'echo run >> ${steps}; test $(wc -l < ${steps}) -eq 1',
  notify  => [Exec['again'], Common::Again::When['flag']],
}
-> exec { 'second': command => 'touch ${goal}; sleep 4', onlyif => 'test $(wc -l < ${steps}) -eq 2' }
`);
    const { code, output } = await here.run(['--max-wait', '2'], command);
    expect(code, output).toBe(0);
    expect(await world.runs(), output).toHaveLength(3);
    expect(output).not.toContain('not true');
    await expectNothingLeft(here);
  });

  test('of an ordinary user, it has its channel in the runtime folder, and the same `again wait` waits for it', async (context) => {
    const here = await place(context);
    const { world } = here;
    const runtime = '/run/user/65534';
    context.onTestFinished(() => void world.run({ argv: ['rm', '-rf', runtime] }));
    const command = await here.apply(converges(world, 2, later, delta('later', 8)));
    const script = 'mkdir -p "$1" && chmod 0700 "$1" && chown -R "$0" "$@"';
    const own = await world.run({ argv: ['sh', '-c', script, 'nobody:nogroup', runtime, world.dir] });
    expect(own.code, own.output).toBe(0);
    const wrap = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'];
    const env = { HOME: world.dir, FACTER_puppet_vardirtmp: world.path('base') };
    const run = await here.start([], command, { wrap, env: { ...env, XDG_RUNTIME_DIR: runtime } });
    await until('the delta to be counted', () => run.output().includes('next run (later)'), {
      seconds: 100,
      seen: run.output,
    });
    expect(await world.node.files.list(runtime)).toEqual([
      expect.stringMatching(new RegExp(`^again-run-.*-${run.pid}-`)),
    ]);
    // As in a job of cron, which names no runtime folder.
    const waited = await world.run({ argv: [here.again, 'wait', '--timeout', '200'], wrap, env });
    expect(waited.code, waited.output).toBe(0);
    expect(waited.stdout).toContain(`waits for the end of an \`again run\`, pid ${run.pid}\n`);
    const { code, output } = await run.ended;
    expect(code, output).toBe(0);
    expect(await world.runs(), output).toHaveLength(2);
    expect(await world.node.files.list(runtime)).toEqual([]);
  });
});
