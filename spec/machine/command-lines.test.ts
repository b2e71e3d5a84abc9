import { describe, expect, test } from 'vitest';
import type { Bytes } from '../../src/os/bytes.ts';
import { parseArguments } from '../../src/puppet/arguments.ts';
import {
  type Answer,
  COMMAND_LINES,
  commandLines,
  expectSameReading,
  seed,
} from '../support/puppet/command-lines.ts';
import { puppets } from '../support/puppet/puppets.ts';

describe.each(puppets)('$name and we read the same from a command line', (puppet) => {
  test(`${COMMAND_LINES} of them (seed ${seed})`, () => {
    const given = commandLines();
    expectSameReading(given, puppet.run('command_lines.rb', given) as Answer[], puppet.major);
  }, 120_000);
});

test('bytes that are no text are read as they are', () => {
  const words = ['--tags', 'caf\xe9', '\xff'] as Bytes[];
  expect(parseArguments(words, 'agent').map((one) => one.value)).toEqual(['caf\xe9', '\xff']);
});
