import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fromText } from '../../../src/os/bytes.ts';
import { isDisabled, isPuppet, lockHolder } from '../../../src/puppet/lock.ts';

let dir: string;
let lock: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'again-unit-'));
  lock = join(dir, 'agent_catalog_run.lock');
});
afterAll(() => rmSync(dir, { recursive: true }));

describe("Puppet's own idea of a process that may hold its lock", () => {
  test.each<[string, string, string[], boolean]>([
    ['an agent', 'puppet', ['/usr/bin/ruby', '/usr/bin/puppet', 'agent'], true],
    ['an agent that is named after its interpreter', 'ruby', ['ruby', '/usr/bin/puppet', 'agent'], true],
    ['a versioned interpreter', 'ruby3.1', ['ruby3.1', '/usr/bin/puppet', 'agent'], true],
    ['a run of the daemon', 'puppet', ['puppet agent: applying configuration'], true],
    ['a name like puppet-agent', 'puppet-agent', ['x'], true],
    ['another Ruby', 'ruby', ['ruby', 'deploy.rb'], false],
    ['an editor with puppet.conf', 'vim', ['vim', 'puppet.conf'], false],
    ['a Puppet Server', 'puppetserver', ['java'], false],
    ['a shell', 'sh', ['sh', '-c', 'puppet agent -t'], false],
  ])('%s', (_, name, argv, expected) => {
    expect(isPuppet(name, argv.map(fromText))).toBe(expected);
  });
});

describe('who holds the lock', () => {
  test.each([
    ['a living process that is no Puppet', `${process.pid}`],
    ['a pid that nobody has', `${2 ** 22 + 1}`],
    ['an empty file', ''],
    ['text', 'not a pid'],
    ['a negative number', '-1'],
    ['a pid and something after it', '1 1'],
  ])('%s: nobody', (_, content) => {
    writeFileSync(lock, content);
    expect(lockHolder(lock)).toBeUndefined();
  });

  test('no file: nobody', () => {
    expect(lockHolder(join(dir, 'missing'))).toBeUndefined();
    expect(lockHolder(dir)).toBeUndefined();
  });
});

test('an agent is disabled while the file is there', () => {
  const file = join(dir, 'agent_disabled.lock');
  expect(isDisabled(file)).toBe(false);
  writeFileSync(file, '{"disabled_message":"for now"}');
  expect(isDisabled(file)).toBe(true);
});
