import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { withDescendants } from '../../src/os/process.ts';
import { findPuppetProcesses } from '../../src/puppet/processes.ts';
import { createSurvey } from '../../src/wait/survey.ts';

const USER = process.getuid?.() ?? 0;

/** Starts a Ruby that tells that it runs, and then sleeps. */
function ruby(...args: readonly string[]): Promise<number> {
  return program('ruby', ...args);
}

/** The same of a program that starts one. */
async function program(file: string, ...args: readonly string[]): Promise<number> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child.pid as number;
}

/** A Ruby that has written a title over its arguments. */
function titled(title: string): Promise<number> {
  return ruby('-e', '$0 = ARGV[0]; $stdout.puts; $stdout.flush; sleep', title, 'x'.repeat(200));
}

/** A Ruby with the arguments of Puppet, below folders of its own; `lock` is where an agent has its lock, and `wrap` are words before it. */
async function puppet(line: string, wrap: readonly string[] = []): Promise<{ pid: number; lock: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'again-puppet-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const script = join(folder, 'puppet');
  writeFileSync(script, '$stdout.puts; $stdout.flush; sleep');
  mkdirSync(join(folder, 'state'));
  const folders = ['--confdir', folder, '--vardir', folder];
  const [file = '', ...words] = [...wrap, 'ruby', script];
  const pid = await program(file, ...words, ...line.split(' '), ...folders);
  return { pid, lock: join(folder, 'state/agent_catalog_run.lock') };
}

const find = (pid: number) => findPuppetProcesses(USER, []).find(({ id }) => id.pid === pid);

test.each([
  ['/usr/local/bin/puppet apply --noop site.pp', 'apply', true],
  ['puppet agent --test', 'agent', false],
])('a Puppet that `bundle exec` has started is seen by its title: %s', async (title, mode, atWork) => {
  expect(find(await titled(title))).toMatchObject({ mode, atWork });
});

test('a title that names another program is none', async () => {
  const pid = await titled('puma: cluster worker of puppetboard');
  expect(find(pid)?.atWork ?? false).toBe(false);
});

describe('a run that a rerun waits for', () => {
  /** Whether a look finds a run going. */
  const isGoing = (survey: ReturnType<typeof createSurvey>, pid: number) =>
    survey.going(survey.look()).some(({ id }) => id.pid === pid);

  test.each([
    ['agent --test', true],
    ['agent --onetime --splay', true],
    ['agent', false],
    ['agent --test --disable', false],
    ['agent --test --fingerprint', false],
    ['apply site.pp', true],
    ['resource package', false],
    ['facts show', false],
    ['config print', false],
  ])('`puppet %s` that has just begun: %s', async (line, expected) => {
    expect(isGoing(createSurvey(USER, []), (await puppet(line)).pid)).toBe(expected);
    expect(isGoing(createSurvey(USER, []), await titled(`puppet ${line}`))).toBe(expected);
  });

  test('is an agent for its first 15 s, and then not before it has its lock', async () => {
    const { pid, lock } = await puppet('agent --onetime --splay');
    let later = 0n;
    const { bigint } = process.hrtime;
    const clock = vi.spyOn(process.hrtime, 'bigint').mockImplementation(() => bigint() + later);
    onTestFinished(() => clock.mockRestore());
    const survey = createSurvey(USER, []);
    expect(isGoing(survey, pid)).toBe(true);
    // Its start time does not move with the clock: what counts is since when it has been seen, as after a suspend.
    later = 10_000_000_000n;
    expect(isGoing(survey, pid)).toBe(true);
    later = 15_000_000_000n;
    expect(isGoing(survey, pid)).toBe(false);
    writeFileSync(lock, String(pid));
    expect(isGoing(survey, pid)).toBe(true);
  });
});

test('an agent that has no lock yet is a run where its puppet.conf says `onetime`, else a daemon between its runs', async () => {
  const confdir = mkdtempSync(join(tmpdir(), 'again-root-'));
  onTestFinished(() => rmSync(confdir, { recursive: true }));
  const pid = await titled(`puppet agent --confdir ${confdir}`);
  expect(find(pid)).toBeUndefined();
  writeFileSync(join(confdir, 'puppet.conf'), '[agent]\nonetime = true\n');
  expect(find(pid)).toMatchObject({ mode: 'agent', atWork: false });
});

describe('a process with fewer capabilities than a Puppet of its user, which hides from it,', () => {
  const WORKER = new URL('processes.worker.ts', import.meta.url).pathname;

  /** What root finds without CAP_SYS_PTRACE, as in a unit with `CapabilityBoundingSet=`. */
  function find(user = 0): { pid: number; mode: string; atWork: boolean; hidden: boolean }[] {
    const less = ['--bounding-set=-sys_ptrace', '--inh-caps=-sys_ptrace'];
    const { stdout, stderr } = spawnSync('setpriv', [...less, process.execPath, WORKER, String(user)], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return JSON.parse(stdout);
  }
  const only = (pid: number, user?: number) => find(user).filter((one) => one.pid === pid);

  test('finds a `puppet apply`', async () => {
    const { pid } = await puppet('apply site.pp');
    expect(only(pid)).toEqual([{ pid, mode: 'apply', atWork: true, hidden: true }]);
  });

  test('finds an agent, and sees that it has its lock', async () => {
    const { pid, lock } = await puppet('agent --test');
    expect(only(pid)).toEqual([{ pid, mode: 'agent', atWork: false, hidden: true }]);
    writeFileSync(lock, String(pid));
    expect(only(pid)).toEqual([{ pid, mode: 'agent', atWork: true, hidden: true }]);
  });

  test('finds one by its title', async () => {
    const pid = await titled('/usr/local/bin/puppet apply site.pp');
    expect(only(pid)).toEqual([{ pid, mode: 'apply', atWork: true, hidden: true }]);
  });

  test("finds no daemon between its runs, and no other user's", async () => {
    expect(only((await puppet('agent')).pid)).toEqual([]);
    expect(only((await puppet('apply site.pp')).pid, 12345)).toEqual([]);
  });

  test('finds none of a container', async () => {
    const inContainer = ['unshare', '--pid', '--fork', '--kill-child'];
    const { pid } = await puppet('apply site.pp', inContainer);
    const pids = withDescendants(pid);
    expect(pids).toHaveLength(2);
    expect(find().filter((one) => pids.includes(one.pid))).toEqual([]);
  });
});
