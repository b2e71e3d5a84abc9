import { expect, type TestContext, test } from 'vitest';
import { type Bench, expectNothingScheduled, expectOneRerun } from '../../support/machine/bench.ts';
import { expectSameCommand } from '../../support/machine/same-run.ts';
import { notifyOnce, outputOf, probe, type World } from '../../support/machine/world.ts';

/** Defaults that a site may have, and that make the module's own resources fail, or do nothing, where they take them. */
const HOSTILE = `
  Exec { path => '/nonexistent', user => 'nobody', cwd => '/usr/share', timeout => 1, returns => 7, unless => '/bin/true', tries => 1,
         environment => ['HOME=/nonexistent'], logoutput => false, umask => '0777' }
  File { replace => false, owner => 'nobody', group => 'nogroup', mode => '0600', recurse => true, require => Notify['never'] }`;

/** The surroundings of the module at sites: defaults, orders of classes, abbreviated options, a module that was not built. */
export function siteScenarios(bench: Bench): void {
  test('resource defaults of the class that includes common::again first change nothing, from the delivery to the rerun', async (context) => {
    const world = await bench.world(context, { delivered: false });
    const site = await world.write(
      'site.pp',
      `class site {${HOSTILE}\n  include common::again\n  common::again::delta { 'later': delta => 0 }\n}
include site
notify { 'never': }
${notifyOnce(world, "Common::Again::Delta['later']")}`,
    );
    const first = await world.run({ argv: world.apply('--detailed-exitcodes', site) });
    expect(first.code, first.output).toBe(2);
    await expectOneRerun(world, first.output, { exec: 'again-delta-later' });
  });

  test('a class that requires common::again and notifies the exec, and an order of classes around it, make no cycle', async (context) => {
    const world = await bench.world(context);
    const site = await world.write(
      'site.pp',
      `class db { file { '${world.path('db')}': content => "x\\n" } }
class app {
  require common::again
  file { '${world.trigger}': content => "x\\n", notify => Exec['again'] }
}
include app, db
Class['common::again'] -> Class['db'] ~> Exec['again']
${probe(world)}`,
    );
    const first = await world.run({ argv: world.apply(site) });
    expect(first.code, first.output).toBe(0);
    await expectOneRerun(world, first.output);
  });

  testAbbreviated(bench, (site) => ['--detailed-exitcode', site]);

  test('a module that was deployed without a build: a warning of the compilation, and one sentence of the exec', async (context) => {
    const world = await unbuilt(bench, context);
    const site = await world.write('site.pp', notifyOnce(world));
    const sentence = /The module common was deployed without again-linux-\w+, which this node needs: /;
    const failed = await world.run({ argv: world.apply(site, '--detailed-exitcodes') });
    expect(failed.code, failed.output).toBe(6);
    expect(failed.output).toMatch(new RegExp(`^Warning: .*${sentence.source}`, 'm'));
    expect(outputOf(failed.output, 'again')).toEqual([
      expect.stringMatching(new RegExp(`^again: ${sentence.source}`)),
    ]);

    await world.node.files.remove(world.trigger);
    const warned = await world.run({
      argv: world.apply(site, '--detailed-exitcodes'),
      env: { AGAIN_UNSUPPORTED: 'warn' },
    });
    expect(warned.code, warned.output).toBe(2);
    expect(outputOf(warned.output, 'again')).toEqual([
      expect.stringMatching(new RegExp(`^Warning: ${sentence.source}`)),
    ]);
    expect(await world.node.files.exists(world.again)).toBe(false);
    await expectNothingScheduled(world, { runs: 2 });
  });
}

/** More of the abbreviated options. */
export function slowSiteScenarios(bench: Bench): void {
  testAbbreviated(bench, (site) => [site, '--detailed-exitcode']);
  testAbbreviated(bench, (site) => ['--verb', site]);
}

function testAbbreviated(bench: Bench, words: (site: string) => string[]): void {
  test(`\`puppet apply ${words('site.pp').join(' ')}\`: a rerun of the same command`, async (context) => {
    const world = await bench.world(context);
    const site = await world.write('site.pp', notifyOnce(world));
    const first = await world.run({ argv: world.apply(...words(site)) });
    const { run, rerun } = await expectOneRerun(world, first.output);
    expectSameCommand(rerun, run);
  });
}

/** A world whose module is as it lies in git. */
async function unbuilt(bench: Bench, context: TestContext): Promise<World> {
  const world = await bench.world(context, { delivered: false });
  const module = world.path('unbuilt');
  const copied = await world.node.exec({
    argv: ['/bin/sh', '-c', 'cp -r "$0" "$1" && rm "$1"/files/again/again-linux-*', world.module, module],
  });
  expect(copied.code, copied.output).toBe(0);
  await world.useModule(module);
  return world;
}
