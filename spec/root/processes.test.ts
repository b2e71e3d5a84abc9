import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findPuppetProcesses } from '../../src/puppet/processes.ts';

/** A Ruby that has written a title over its arguments. */
async function titled(title: string): Promise<number> {
  const child = spawn(
    'ruby',
    ['-e', '$0 = ARGV[0]; $stdout.puts; $stdout.flush; sleep', title, 'x'.repeat(200)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child.pid as number;
}

test.each([
  ['/usr/local/bin/puppet apply --noop site.pp', 'apply', true],
  ['puppet agent --test', 'agent', false],
])('a Puppet that `bundle exec` has started is seen by its title: %s', async (title, mode, atWork) => {
  const pid = await titled(title);
  const found = findPuppetProcesses(process.getuid?.() ?? 0, []).find(({ id }) => id.pid === pid);
  expect(found).toMatchObject({ mode, atWork });
});

test('a title that names another program is none', async () => {
  const pid = await titled('puma: cluster worker of puppetboard');
  const found = findPuppetProcesses(process.getuid?.() ?? 0, []).find(({ id }) => id.pid === pid);
  expect(found?.atWork ?? false).toBe(false);
});

test('an agent that has no lock yet is a run where its puppet.conf says `onetime`, else a daemon between its runs', async () => {
  const confdir = mkdtempSync(join(tmpdir(), 'again-root-'));
  onTestFinished(() => rmSync(confdir, { recursive: true }));
  const pid = await titled(`puppet agent --confdir ${confdir}`);
  const find = () => findPuppetProcesses(process.getuid?.() ?? 0, []).find(({ id }) => id.pid === pid);
  expect(find()).toBeUndefined();
  writeFileSync(join(confdir, 'puppet.conf'), '[agent]\nonetime = true\n');
  expect(find()).toMatchObject({ mode: 'agent', atWork: false });
});
