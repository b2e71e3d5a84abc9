import { describe, expect, test } from 'vitest';
import { bundledPuppet } from '../support/machine/bundler.ts';
import { notifyOnce, outputOf } from '../support/machine/world.ts';
import { converges, expectNothingLeft, foreground, saidByRun } from './foreground.ts';

const { place } = foreground();

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
});
