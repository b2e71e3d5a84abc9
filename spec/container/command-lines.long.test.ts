import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generations } from '../matrix/generations.ts';
import { PREFIX_RUBY } from '../matrix/prefix.ts';
import { boot, type Container } from '../support/container/container.ts';
import {
  type Answer,
  COMMAND_LINES,
  commandLines,
  expectSameReading,
  seed,
} from '../support/puppet/command-lines.ts';

const { debian_11_puppet_5, openvox_9_gem } = generations;
const script = readFileSync(new URL('../support/puppet/command_lines.rb', import.meta.url), 'utf8');

/** The oldest and the newest Puppet, each with the Ruby that loads it; `machine/command-lines.test.ts` has those between them. */
describe.each([
  { ...debian_11_puppet_5, ruby: debian_11_puppet_5.puppet.ruby },
  { ...openvox_9_gem, ruby: PREFIX_RUBY },
])('$title and we read the same from a command line', ({ system, packages, commands, puppet, ruby }) => {
  let box: Container;

  beforeAll(async () => {
    box = await boot({ system, packages, commands });
  });

  afterAll(() => box?.powerOff());

  it(`${COMMAND_LINES} of them (seed ${seed})`, async () => {
    const ask = ['-e', 'require "puppet/version"; print Puppet.version'];
    const version = (await box.exec([ruby, ...ask])).stdout;
    expect(version).toMatch(puppet.version);
    box.writeFile('/root/command_lines.rb', script);
    const given = commandLines();
    const { stdout } = await box.exec([ruby, '/root/command_lines.rb'], {
      input: JSON.stringify(given),
      env: { LANG: 'C.UTF-8' },
      timeoutMs: 300_000,
    });
    expectSameReading(given, JSON.parse(stdout) as Answer[], Number.parseInt(version, 10));
  });
});
