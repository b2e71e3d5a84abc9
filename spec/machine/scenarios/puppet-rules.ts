import { expect, test } from 'vitest';
import { type Bench, expectNothingScheduled, expectOneRerun } from '../../support/machine/bench.ts';
import { expectSameCommand } from '../../support/machine/same-run.ts';
import { notifyOnce, probe, type World } from '../../support/machine/world.ts';

/** Decisions of Puppet itself: no-op, failed dependencies, tags. */
export function puppetRuleScenarios(bench: Bench): void {
  test('an Exec that is forced in a --noop run schedules nothing, says so, and exits 0', async (context) => {
    const world = await bench.world(context);
    const site = await world.write(
      'site.pp',
      `include common::again
File <| title == '${world.path('base')}/common/' |> { noop => false }
File <| tag == 'common::again' |> { noop => false }
Exec <| title == 'again' |> { noop => false }
${probe(world, 'run', 'noop => false,')}
file { '${world.trigger}': content => "x\\n", noop => false, notify => Exec['again'] }
`,
    );
    const first = await world.run({ argv: world.apply('--noop', '--detailed-exitcodes', site) });
    expect(first.output).toMatch(/Exec\[again\]\/returns: .*no-?op/i);
    expect(first.output).not.toContain('Error: /Stage');
    expect(first.code).toBe(2); // changes, and no failure
    await expectNothingScheduled(world);
  });

  test('an ordinary --noop run never gets as far as the helper', async (context) => {
    const world = await bench.world(context);
    const site = await world.write('site.pp', notifyOnce(world));
    const first = await world.run({ argv: world.apply('--noop', site) });
    expect(first.output).toMatch(/Exec\[again\]: Would have triggered 'refresh'/);
    await expectNothingScheduled(world, { runs: 0 });
  });

  test('a failing sibling that notifies the shared Exec: Puppet skips it, and nothing is scheduled', async (context) => {
    const world = await bench.world(context);
    const failing = `exec { '/bin/false': notify => Exec['again'] }`;
    const site = await world.write('site.pp', notifyOnce(world, "Exec['again']", failing));
    const first = await world.run({ argv: world.apply('--detailed-exitcodes', site) });
    expect(first.output).toMatch(/Exec\[again\]: Skipping because of failed dependencies/);
    expect(first.code).toBe(6);
    await expectNothingScheduled(world);
  });

  test('a failing sibling beside a delta of its own: the delta is not its business', async (context) => {
    const world = await bench.world(context);
    const failing = `exec { '/bin/false': notify => Exec['again'] }
common::again::delta { 'mine': delta => 0 }`;
    const site = await world.write('site.pp', notifyOnce(world, "Common::Again::Delta['mine']", failing));
    const first = await world.run({ argv: world.apply(site) });
    expect(first.output).toMatch(/Exec\[again\]: Skipping because of failed dependencies/);
    const { run, rerun } = await expectOneRerun(world, first.output, { exec: 'again-delta-mine' });
    expectSameCommand(rerun, run);
  });

  test('--tags with the class that includes common::again first: the Exec counts', async (context) => {
    const world = await bench.world(context);
    const site = await world.write('site.pp', twoClasses(world, ['one', 'two']));
    const first = await world.run({ argv: world.apply('--tags', 'one', site) });
    const { run, rerun } = await expectOneRerun(world, first.output);
    expectSameCommand(rerun, run);
  });

  test('--tags with a class that includes common::again second: the Exec does not count', async (context) => {
    const world = await bench.world(context);
    const site = await world.write('site.pp', twoClasses(world, ['two', 'one']));
    const first = await world.run({ argv: world.apply('--tags', 'one', site) });
    expect(first.output).toContain('File[/'); // what should have notified
    expect(first.output).not.toContain('Exec[again]');
    await expectNothingScheduled(world);
  });
}

/** Two classes that both include common::again; `one` notifies. The first in `order` gives the Exec its tag. */
function twoClasses(world: World, order: readonly string[]): string {
  return `class one {
  include common::again
  ${probe(world)}
  file { '${world.trigger}': content => "x\\n", notify => Exec['again'] }
}
class two {
  include common::again
}
${order.map((name) => `include ${name}`).join('\n')}
`;
}
