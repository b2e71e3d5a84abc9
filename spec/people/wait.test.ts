import { expect, test } from 'vitest';
import { holdLock } from '../support/machine/held-lock.ts';
import { until } from '../support/wait.ts';
import { appears, converges, foreground } from './foreground.ts';
import { expectRefusal } from './people.ts';

const { place } = foreground();
const later = "Common::Again::Delta['later']";
const delta = (seconds: number) => `common::again::delta { 'later': delta => ${seconds} }\n`;

test.concurrent('with nothing pending it ends at once, and --quiet says nothing', async (context) => {
  const here = await place(context);
  expect(await here.wait()).toMatchObject({ code: 0, stdout: 'nothing is pending\n', stderr: '' });
  expect(await here.wait('--quiet')).toMatchObject({ code: 0, stdout: '', stderr: '' });
});

test.concurrent('waits for an `again run` in which a rerun was asked for, and not for one below which it is', async (context) => {
  const here = await place(context);
  const { world } = here;
  const converging = await here.apply(converges(world, 2, later, delta(8)));
  const script = '"$@"; "$AGAIN" wait --timeout 1 && echo quiet';
  const command = ['sh', '-c', script, 'sh', ...converging];
  const run = await here.start(['--limit', '3'], command, { env: { AGAIN: here.again } });
  await until('the delta to be counted', () => run.output().includes('next run (later)'), {
    seconds: 100,
    seen: run.output,
  });
  const { code, stdout } = await here.wait('--timeout', '200');
  expect(code, stdout).toBe(0);
  expect(stdout.split('\n')).toEqual([
    `waits for the end of an \`again run\`, pid ${run.pid}`,
    `the \`again run\` with pid ${run.pid} has ended: its own exit code says how`,
    'nothing is pending',
    '',
  ]);
  expect(await world.runs()).toHaveLength(2);
  const { output } = await run.ended;
  expect(output.match(/^quiet$/gm), output).toHaveLength(2);
});

test.concurrent('exits with 4 where the last rerun failed, and with 124 when the time is over', async (context) => {
  const here = await place(context);
  const { world } = here;
  const fails = `${converges(world, 2, later, delta(5))}
    exec { '/bin/false': onlyif => '/bin/sh -c "test $(wc -l < ${world.path('steps')}) -gt 1"', provider => 'shell', require => Exec['step'] }`;
  await world.run({ argv: await here.apply(fails) });
  const early = await here.wait('--timeout', '1');
  expect(early.code, early.output).toBe(124);
  expect(early.stdout).toMatch(/the 1 s of --timeout are over\n$/);
  const { code, stdout } = await here.wait('--timeout', '200');
  expect(code, stdout).toBe(4);
  expect(stdout).toContain('has ended: failed');
  expect(await world.runs()).toHaveLength(2);
});

test.concurrent('exits with 5 where the result of the rerun cannot be told', async (context) => {
  const here = await place(context);
  const { world } = here;
  const stays = `exec { 'stay':
    command  => 'touch ${world.path('stays')}; exec sleep 100',
    onlyif   => 'test $(wc -l < ${world.path('steps')}) -gt 1',
    provider => 'shell',
    path     => '/usr/bin:/bin',
    require  => Exec['step'],
  }`;
  await world.run({ argv: await here.apply(converges(world, 2, later, `${delta(2)}${stays}`)) });
  const waiting = await world.start({ argv: [here.again, 'wait'] });
  await appears(world, 'stays', waiting);
  const rerun = (await world.runs()).at(-1)?.run.pid ?? 0;
  await world.node.signal(rerun, 'SIGKILL');
  const { code, output } = await waiting.ended;
  expect(code, output).toBe(5);
  expect(output).toContain('has ended: with a result that cannot be told');
});

test.concurrent('does not wait for what is due later than --max-wait', async (context) => {
  const here = await place(context);
  await here.world.run({ argv: await here.apply(converges(here.world, 2, later, delta(300))) });
  const { code, stdout } = await here.wait('--max-wait', '100');
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: 'nothing else is pending (1 due later than --max-wait)\n',
  });
  expect(await here.world.pending()).toHaveLength(1);
});

test.concurrent('never takes it for quiet that a process keeps the lock: the time is over, or it refuses and says whom to end', async (context) => {
  const here = await place(context);
  await here.world.run({ argv: await here.apply('include common::again') });
  const { lock, pid } = await holdLock(here.world);
  expect(await here.wait('--timeout', '2')).toMatchObject({
    code: 124,
    stdout: 'the 2 s of --timeout are over\n',
    stderr: '',
  });
  expectRefusal(
    await here.wait(),
    1,
    `${lock} has been held for 20 s by pid ${pid}, which seems stuck: end that process and try again`,
  );
});

test.concurrent('says that what is pending is held, and goes on when it is released', async (context) => {
  const here = await place(context);
  const { world } = here;
  await world.run({ argv: [here.again, 'hold'] });
  await world.run({ argv: await here.apply(converges(world, 2)) });
  const waiting = await world.start({ argv: [here.again, 'wait'] });
  await until(
    'the hold to be told',
    () => waiting.output().includes('held: nothing starts before the end of the hold'),
    {
      seen: waiting.output,
    },
  );
  await world.run({ argv: [here.again, 'release'] });
  const { code, output } = await waiting.ended;
  expect(code, output).toBe(0);
  expect(await world.runs()).toHaveLength(2);
});

test.concurrent('is refused below a Puppet run', async (context) => {
  const here = await place(context);
  const { world } = here;
  const script = await world.write(
    'wait.sh',
    `${here.again} wait >${world.path('wait-said')} 2>&1; echo $? >${world.path('wait-code')}\n`,
  );
  await world.run({ argv: await here.apply(`exec { '/bin/sh ${script}': provider => 'posix' }`) });
  const [stderr, code] = await Promise.all(
    ['wait-said', 'wait-code'].map(async (name) =>
      (await world.node.files.read(world.path(name))).toString(),
    ),
  );
  expectRefusal(
    { code: Number(code), signal: null, stdout: '', stderr: stderr ?? '', output: '' },
    1,
    /below a Puppet run \(pid \d+\)/,
  );
});

test.concurrent("of an ordinary user, it waits for that user's waiter and its rerun", async (context) => {
  const here = await place(context);
  const { world } = here;
  const argv = await here.apply(converges(world, 2, later, delta(8)));
  const own = await world.run({ argv: ['chown', '-R', 'nobody:nogroup', world.dir] });
  expect(own.code, own.output).toBe(0);
  const wrap = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'];
  const env = { HOME: world.dir, FACTER_puppet_vardirtmp: world.path('base') };
  const first = await world.run({ argv, wrap, env });
  expect(first.output).toMatch(/Will run .* waiter pid \d+/);
  const { code, output } = await world.run({ argv: [here.again, 'wait', '--timeout', '200'], wrap, env });
  expect(code, output).toBe(0);
  expect(output).toContain('waits for later');
  expect(await world.runs()).toHaveLength(2);
});

test.concurrent('is called again-wait, leaves its output as it was, and ends when what is pending is cancelled', async (context) => {
  const here = await place(context);
  const { world } = here;
  await world.run({ argv: await here.apply(converges(world, 2, later, delta(300))) });
  const waiting = await world.start({ argv: [here.again, 'wait'] });
  await until('the wait', () => waiting.output().includes('waits for later'), { seen: waiting.output });
  const comm = await world.node.exec({ argv: ['/bin/cat', `/proc/${waiting.pid}/comm`] });
  expect(comm.stdout).toBe('again-wait\n');
  const descriptor = await world.node.exec({ argv: ['/bin/cat', `/proc/${waiting.pid}/fdinfo/1`] });
  expect(descriptor.stdout, 'O_NONBLOCK is not set').toMatch(/^flags:\s+([0-7]*[0-3])?[0-7]{3}$/m);
  await world.node.exec({ argv: ['/usr/bin/killall', 'again'] });
  const { code, output } = await waiting.ended;
  expect(code, output).toBe(0);
  expect(await world.runs()).toHaveLength(1);
});

test.concurrent('a Puppet that the command of `again run` has left behind, and that notifies after its end, has a waiter', {
  retry: 0,
}, async (context) => {
  const here = await place(context);
  const { world } = here;
  const site = await world.write(
    'site.pp',
    converges(
      world,
      1000,
      "Exec['again']",
      `exec { '/bin/touch ${world.path('applied')}': provider => 'posix' }`,
    ),
  );
  const left = await world.write(
    'left.sh',
    `${world.apply(site).join(' ')} >${world.path('output')} 2>&1 &\nsleep "$1"\n`,
  );
  const { code } = await here.run(['--limit', '0'], ['/bin/sh', left, '0']);
  expect(code).toBe(0);
  await appears(world, 'applied');
  await until('the end of that run', async () =>
    (await world.node.files.read(world.path('output'))).includes('Applied catalog'),
  );
  expect((await world.node.files.read(world.path('output'))).toString()).toMatch(
    /Will run .* waiter pid \d+/,
  );
  await world.node.exec({ argv: [here.again, 'cancel', '--all'] });
});

test.concurrent('ends when `again` is removed', async (context) => {
  const here = await place(context);
  const { world } = here;
  const run = await here.start([], await here.apply(converges(world, 2, later, delta(300))));
  await until('the delta to be counted', () => run.output().includes('next run (later)'), {
    seconds: 100,
    seen: run.output,
  });
  const waiting = await world.start({ argv: [here.again, 'wait'] });
  await until('the wait', () => waiting.output().includes('waits for the end of an `again run`'), {
    seen: waiting.output,
  });
  await world.node.files.remove(world.again);
  const { code, output } = await waiting.ended;
  expect(code, output).toBe(0);
  expect(output).toMatch(/\nnothing is pending: `again` was removed\n$/);
  await world.node.signal(run.pid, 'SIGTERM');
  expect((await run.ended).code).toBe(143);
});
