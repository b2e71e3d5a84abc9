import { describe, expect, test } from 'vitest';
import { answeredBy, converges, expectNothingLeft, foreground, innerRun, twoSteps } from './foreground.ts';

const { place } = foreground();

describe.concurrent('an idempotency check, as of Litmus and Beaker', () => {
  test('an apply below `again run` in place of the first two', async (context) => {
    const here = await place(context);
    const command = await here.apply(twoSteps(here.world), '--detailed-exitcodes');
    const first = await here.run([], command);
    expect(first.code, first.output).toBe(0);
    const second = await here.world.run({ argv: command });
    expect(second.code, second.output).toBe(0);
  });
});

describe.concurrent('one within another', () => {
  test('the innermost `again run` answers', async (context) => {
    const here = await place(context);
    const { world } = here;
    const inner = [here.again, 'run', '--', ...(await here.apply(converges(world, 3)))];
    const run = await here.start([], inner);
    const { code, output } = await run.ended;
    expect(code, output).toBe(0);
    const runs = await world.runs();
    expect(runs, output).toHaveLength(3);
    const [parent] = runs.map((one) => one.parent.pid);
    expect(parent).not.toBe(run.pid);
    expect(answeredBy(output)).toEqual([parent, parent]);
    await expectNothingLeft(here);
  });

  test('in an exec of a run of another one, each takes its own notifications', async (context) => {
    const here = await place(context);
    const { world } = here;
    const command = await innerRun(here);
    const outer = `include common::again
exec { '${command}': logoutput => true, timeout => 200, provider => 'posix' }
file { '${world.path('once')}': content => 'x', notify => Exec['again'] }`;
    const run = await here.start([], await here.apply(outer));
    const { code, output } = await run.ended;
    expect(code, output).toBe(0);
    // Three of the inner manifest in the first run of the outer one, and one in the second.
    const runs = await world.runs();
    expect(runs, output).toHaveLength(4);
    const [first, second, third, fourth] = runs.map((one) => one.parent.pid);
    expect([second, third]).toEqual([first, first]);
    expect(fourth).not.toBe(first);
    expect(answeredBy(output)).toEqual([first, first, run.pid]);
    await expectNothingLeft(here);
  });

  test('in an exec of a rerun in the background', async (context) => {
    const here = await place(context);
    const { world } = here;
    const command = await innerRun(here);
    const outer = `include common::again
file { '${world.path('once')}': content => 'x', notify => Exec['again'] }
if find_file('${world.path('once')}') {
  exec { '${command}': logoutput => true, timeout => 200, provider => 'posix' }
}`;
    const first = await world.run({ argv: await here.apply(outer) });
    expect(first.code, first.output).toBe(0);
    const waited = await here.wait('--timeout', '250');
    expect(waited.code, waited.output).toBe(0);
    expect(await world.runs()).toHaveLength(3);
    await expectNothingLeft(here);
  });
});

describe.concurrent('how people start it', () => {
  test('with an input that never ends, and is no manifest', async (context) => {
    const here = await place(context);
    const { world } = here;
    const command = [here.again, 'run', '--', ...(await here.apply(converges(world, 2)))];
    const { code, output } = await world.run({
      argv: ['sh', '-c', 'mkfifo open; "$@" <>open', 'sh', ...command],
    });
    expect(code, output).toBe(0);
    expect(await world.runs()).toHaveLength(2);
  });
});
