import { describe, expect, test } from 'vitest';
import type { Pending } from '../../src/cli/pending.ts';
import type { World } from '../support/machine/world.ts';
import { until } from '../support/wait.ts';
import { appears, converges, expectNothingLeft, foreground, saidByRun, twoSteps } from './foreground.ts';

const { place } = foreground();
const later = "Common::Again::Delta['later']";
const delta = (seconds: number) => `common::again::delta { 'later': delta => ${seconds} }\n`;

describe.concurrent('an idempotency check, as of Litmus and Beaker', () => {
  test('apply, `again wait`, and an apply that must change nothing', async (context) => {
    const here = await place(context);
    const { world } = here;
    const apply = async () =>
      world.run({ argv: await here.apply(twoSteps(world, later, delta(2)), '--detailed-exitcodes') });
    const first = await apply();
    expect(first.code, first.output).toBe(2);
    const waited = await here.wait('--timeout', '250');
    expect(waited.code, waited.output).toBe(0);
    expect((await world.node.files.read(world.path('steps'))).toString()).toBe('step\nstep\n');
    const second = await apply();
    expect(second.code, second.output).toBe(0);
    await expectNothingLeft(here);
  });
});

describe.concurrent('the time limit of a timeout(1) around it', () => {
  test('ends the wait for the next run', async (context) => {
    const here = await place(context);
    const command = await here.apply(converges(here.world, 3, later, delta(300)));
    const run = await here.start([], command, { wrap: ['timeout', '3600'] });
    await until('the wait', () => saidByRun(run.output()).length > 0, { seconds: 100, seen: run.output });
    await here.world.node.signal(run.pid, 'SIGALRM'); // as the kernel does when the time is over
    const { code, output } = await run.ended;
    expect(code, output).toBe(124);
    expect(await here.world.runs()).toHaveLength(1);
    await expectNothingLeft(here);
  });

  test('ends Puppet in its middle, and nothing more starts', async (context) => {
    const here = await place(context);
    const { world } = here;
    const stays = `exec { '/bin/sh -c "touch ${world.path('stays')}; sleep 100"': provider => 'posix', require => Exec['again'] }`;
    const command = await here.apply(converges(world, 3, "Exec['again']", stays));
    const run = await here.start([], command, { wrap: ['timeout', '3600'] });
    await appears(world, 'stays', run);
    await world.node.signal(run.pid, 'SIGALRM');
    const { code, output } = await run.ended;
    expect(code, output).toBe(124);
    expect(await world.runs()).toHaveLength(1);
    await expectNothingLeft(here);
  });
});

describe.concurrent('Ctrl-Z', () => {
  test('stops Puppet as well, and `fg` continues both', async (context) => {
    const here = await place(context);
    const { world } = here;
    await world.write('hold', '');
    const holds = `touch ${world.path('held')}; while test -e ${world.path('hold')}; do sleep 0.05; done`;
    const more = `exec { '${holds}': provider => 'shell', path => '/usr/bin:/bin' }`;
    const command = await here.apply(converges(world, 2, "Exec['again']", more));
    const shell = await here.onTerminal(['bash', '--norc', '--noprofile', '-i']);
    await shell.type(`${[here.again, 'run', '--', ...command].join(' ')}\n`);
    await appears(world, 'held', shell);
    await shell.type('\x1a');
    await until('both to be stopped', async () => (await states(world)).join() === 'T,T', {
      seen: shell.output,
    });
    await shell.type('fg\n');
    await until('both to go on', async () => !(await states(world)).includes('T'), { seen: shell.output });
    await world.node.files.remove(world.path('hold'));
    await until('the second run', async () => (await world.runs()).length === 2, { seconds: 100 });
    await shell.type('echo "ended with $?"; exit\n');
    const { output } = await shell.ended;
    expect(output).toContain('ended with 0\r\n');
    await expectNothingLeft(here);
  });

  test('stops the wait; what was due meanwhile starts after `fg`', async (context) => {
    const here = await place(context);
    const { world } = here;
    const command = await here.apply(converges(world, 2, later, delta(6)));
    const shell = await here.onTerminal(['bash', '--norc', '--noprofile', '-i']);
    await shell.type(`${[here.again, 'run', '--', ...command].join(' ')}\n`);
    await until('the countdown', () => shell.output().includes('next run (later) in'), {
      seconds: 100,
      seen: shell.output,
    });
    await shell.type('\x1a');
    await until('it to be stopped', async () => (await states(world)).join() === 'T', { seen: shell.output });
    const due = async () => {
      const { stdout } = await world.run({ argv: [here.again, 'status', '--json'] });
      return (JSON.parse(stdout) as Pending[]).every(({ dueIn }) => dueIn !== null && dueIn <= 0);
    };
    await until('the due time', due, { seconds: 60 });
    expect(await world.runs()).toHaveLength(1);
    await shell.type('fg\n');
    await until('the second run', async () => (await world.runs()).length === 2, { seconds: 100 });
    await shell.type('echo "ended with $?"; exit\n');
    expect((await shell.ended).output).toContain('ended with 0\r\n');
    await expectNothingLeft(here);
  });
});

describe.concurrent('how people start it', () => {
  test('in a loop that reads lines: it takes none of them', async (context) => {
    const { world, again } = await place(context);
    const loop = `printf 'one\\ntwo\\n' | while read -r line; do ${again} run -- echo "$line"; done`;
    expect(await world.run({ argv: ['sh', '-c', loop] })).toMatchObject({ code: 0, stdout: 'one\ntwo\n' });
  });

  test('below nohup(1), by a shell that notes it (`_`): SIGHUP stays ignored in each run', async (context) => {
    const { world, again } = await place(context);
    const ignored = ['sed', '-n', 's/^SigIgn:.//p', '/proc/self/status'];
    const seen = async (...words: readonly string[]) =>
      (await world.run({ argv: ['bash', '-c', 'nohup "$@" 2>/dev/null; :', 'bash', ...words] })).stdout;
    const without = await seen(...ignored);
    expect(without).toMatch(/1\n$/);
    expect(await seen(again, 'run', '--', ...ignored)).toBe(without);
  });
});

/** The states of `again run` and of Puppet, as far as they live: proc_pid_stat(5). */
async function states(world: World): Promise<string[]> {
  const processes = await world.processes();
  return processes
    .filter(({ comm, argv }) => comm === 'again-run' || (comm === 'puppet' && argv.includes('apply')))
    .map(({ state }) => state);
}
