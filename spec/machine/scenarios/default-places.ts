import { expect, test } from 'vitest';
import { type Bench, expectOneRerun } from '../../support/machine/bench.ts';
import { expectSameCommand } from '../../support/machine/same-run.ts';
import { announcement, notifyOnce } from '../../support/machine/world.ts';
import { until } from '../../support/wait.ts';

/** On a machine of their own: the contract's own paths, and tools that go by the program's name. */
export function defaultPlaceScenarios(bench: Bench): void {
  test('with nothing but the defaults: all is where the contract says; pgrep and killall find `again`', async (context) => {
    const world = await bench.world(context, { base: false, delivered: false });
    const apply = (site: string) => [
      bench.puppet.command,
      'apply',
      '--modulepath',
      world.path('code/modules'),
      site,
    ];
    const must = async (...argv: string[]) => {
      const { code, stdout, output } = await world.run({ argv });
      expect(code, output).toBe(0);
      return stdout;
    };

    const once = await world.write('once.pp', notifyOnce(world));
    const first = await world.run({ argv: apply(once) });
    expect(first.code, first.output).toBe(0);
    const { run, rerun } = await expectOneRerun(world, first.output);
    expectSameCommand(rerun, run);
    const places = await must('stat', '-c', '%n %U:%G %a', ...contractPlaces);
    expect(places.trim().split('\n')).toEqual([
      '/var/lib/puppet/tmp/common/ root:root 755',
      '/var/lib/puppet/tmp/common/again/again root:root 754',
      '/var/lib/puppet/tmp/common/again/again.json root:root 644',
      '/var/lib/puppet/tmp/common/again/state/ root:root 700',
    ]);

    await world.node.files.remove(world.trigger);
    const later = `common::again::delta { 'later': delta => 3600 }`;
    const much = await world.write('much.pp', notifyOnce(world, "Common::Again::Delta['later']", later));
    const second = await world.run({ argv: apply(much) });
    const { waiter } = announcement(second.output, 'again-delta-later');
    expect(await must('pgrep', '-x', 'again')).toBe(`${waiter}\n`);
    expect(await must('ps', '-C', 'again', '-o', 'pid=,comm=')).toMatch(
      new RegExp(`^\\s*${waiter} again\\n$`),
    );
    await must('killall', 'again');
    await until('the end of the waiter', async () => (await world.helpers()).length === 0, { seconds: 5 });
    expect(await world.pending()).toEqual([]);
    await world.settled(3);
  });
}

const contractPlaces = [
  '/var/lib/puppet/tmp/common/',
  '/var/lib/puppet/tmp/common/again/again',
  '/var/lib/puppet/tmp/common/again/again.json',
  '/var/lib/puppet/tmp/common/again/state/',
];
