import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fromText } from '../../../src/os/bytes.ts';
import { parseArguments } from '../../../src/puppet/arguments.ts';
import type { Run } from '../../../src/puppet/run.ts';
import { findPuppetSettings, lockPid, parseConfig } from '../../../src/puppet/settings.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'again-unit-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const flattened = (content: string) =>
  Object.fromEntries(
    [...parseConfig(content)]
      .filter(([, settings]) => settings.size > 0)
      .map(([name, settings]) => [name, Object.fromEntries(settings)]),
  );

describe('puppet.conf', () => {
  test.each<[string, string, Record<string, Record<string, string>>]>([
    ['sections', '[main]\na = 1\n[agent]\nb = 2\n', { main: { a: '1' }, agent: { b: '2' } }],
    ['settings before the first section count for main', 'a = 1\n', { main: { a: '1' } }],
    ['spaces around', '  [agent]  \n\ta\t=  b c  \n', { agent: { a: 'b c' } }],
    ['no spaces', '[main]\na=b', { main: { a: 'b' } }],
    ['Windows line ends', '[main]\r\na = 1\r\n', { main: { a: '1' } }],
    ['comments', '[main]\n# a = 1\n  # b = 2\n', {}],
    ['`=` in a value', '[main]\na = b=c\n', { main: { a: 'b=c' } }],
    ['an empty value', '[main]\na =\n', { main: { a: '' } }],
    ['the first one of several', '[main]\na = 1\n[agent]\n[main]\na = 2\n', { main: { a: '1' } }],
    ['quotes', '[main]\na = "b c"\nd = \'e\'\nf = "g\n', { main: { a: 'b c', d: 'e', f: 'g' } }],
    ['owner and mode', '[main]\na = /b { owner = root, mode = 0750 }\n', { main: { a: '/b' } }],
    ['mode without spaces', '[main]\na=/b{mode=0750}\n', { main: { a: '/b' } }],
    ['`#` in a value', '[main]\na = b # c\n', { main: { a: 'b # c' } }],
    ['a line that is nothing: nothing counts', '[main]\na = 1\nrubbish\n', {}],
    ['a name that is missing: nothing counts', '[main]\na = 1\n= 1\n', {}],
    ['a section that Puppet does not take: nothing counts', '[main]\na = 1\n[production]\n', {}],
    ['braces around anything else: nothing counts', '[main]\na = 1\nb = {c}\n', {}],
    ['an empty file', '', {}],
  ])('%s', (_, content, expected) => {
    expect(flattened(content)).toEqual(expected);
  });
});

/** A run with these arguments after `puppet apply` or `puppet agent`, started by `script`. */
function runOf(
  mode: 'apply' | 'agent',
  words: string[],
  { script = '/usr/bin/puppet', pid = 4711 } = {},
): Run {
  const args = words.map(fromText);
  const process = { pid, start: 1 };
  const argv = [...['/usr/bin/ruby', script, mode].map(fromText), ...args];
  const base = { process, source: process, executable: fromText('/usr/bin/ruby3.1'), argv, prefix: 3 };
  const parsed = { ...base, arguments: parseArguments(args, mode === 'apply' ? 'apply' : 'agent') };
  return mode === 'apply' ? { ...parsed, mode, manifest: undefined } : { ...parsed, mode };
}

describe('the settings of a run, as Puppet finds them', () => {
  let conf: string[];
  const configure = (content: string) => writeFileSync(join(dir, 'puppet.conf'), content);
  beforeEach(() => {
    configure('');
    conf = ['--confdir', dir];
  });

  test.each<[string, string[], string]>([
    ['--vardir', ['--vardir', '/srv/v'], '/srv/v/state'],
    ['--vardir=', ['--vardir=/srv/v'], '/srv/v/state'],
    ['--statedir', ['--statedir', '/srv/s'], '/srv/s'],
    ['--vardir in --statedir', ['--vardir', '/srv/v', '--statedir', '$vardir/x'], '/srv/v/x'],
    ['the last of several', ['--vardir', '/srv/a', '--vardir', '/srv/b'], '/srv/b/state'],
  ])('the state folder by %s', (_, words, statedir) => {
    expect(findPuppetSettings(runOf('agent', [...conf, ...words]), [], 0)).toMatchObject({
      noop: false,
      lockFile: `${statedir}/agent_catalog_run.lock`,
      disabledFile: `${statedir}/agent_disabled.lock`,
    });
  });

  test.each<[string, string, string]>([
    ['vardir in main', '[main]\nvardir = /srv/v\n', '/srv/v/state/agent_catalog_run.lock'],
    [
      'vardir in agent before main',
      '[agent]\nvardir = /srv/a\n[main]\nvardir = /srv/m\n',
      '/srv/a/state/agent_catalog_run.lock',
    ],
    [
      'a value that another one holds',
      '[main]\nvardir = /srv/v\nstatedir = $vardir/s\n',
      '/srv/v/s/agent_catalog_run.lock',
    ],
    [
      'owner and mode behind it',
      '[main]\nstatedir = /srv/x { mode = 0750 }\n',
      '/srv/x/agent_catalog_run.lock',
    ],
    ['the file itself', '[agent]\nagent_catalog_run_lockfile = /run/x.lock\n', '/run/x.lock'],
    [
      "a section that is not this run's",
      '[user]\nvardir = /srv/u\n',
      '/var/cache/puppet/state/agent_catalog_run.lock',
    ],
    ['the confdir', '[main]\nvardir = $confdir/var\n', 'CONFDIR/var/state/agent_catalog_run.lock'],
    [
      'a name that stands for nothing',
      '[main]\nvardir = /srv/$constructor/v\n',
      '/srv//v/state/agent_catalog_run.lock',
    ],
    [
      'a circle, which ends somewhere',
      '[main]\nagent_catalog_run_lockfile = $agent_catalog_run_lockfile\n',
      '$agent_catalog_run_lockfile',
    ],
  ])('the lock by puppet.conf: %s', (_, content, lockFile) => {
    configure(content);
    expect(findPuppetSettings(runOf('agent', conf), [], 0).lockFile).toBe(lockFile.replace('CONFDIR', dir));
  });

  test.each<[string, string, string[], boolean]>([
    ['nothing', '', [], false],
    ['puppet.conf', '[agent]\nonetime = true\n', [], true],
    ['its main section', '[main]\nonetime = True\n', [], true],
    ['the command line', '', ['--onetime'], true],
    ['the command line before puppet.conf', '[agent]\nonetime = true\n', ['--no-onetime'], false],
  ])('one run instead of a daemon, by %s', (_, content, words, onetime) => {
    configure(content);
    expect(findPuppetSettings(runOf('agent', [...conf, ...words]), [], 0).onetime).toBe(onetime);
  });

  test('what a file and the command line say of server, certificate and environment; nothing else does', () => {
    expect(findPuppetSettings(runOf('agent', conf), [], 0)).toMatchObject({
      server: '',
      certname: '',
      puppetEnvironment: '',
    });
    configure('[main]\nserver = a\ncertname = b\n[agent]\nenvironment = c\n');
    const words = [...conf, '--certname', 'd', '--serve', 'e'];
    expect(findPuppetSettings(runOf('agent', words), [], 0)).toMatchObject({
      server: 'a',
      certname: 'd',
      puppetEnvironment: 'c',
    });
  });

  test.each<[string, string, string, number, string]>([
    ["root, Debian's packages", '/usr/bin/puppet', '', 0, '/run/puppet/agent.pid'],
    [
      "root, the vendor's packages",
      '/opt/puppetlabs/puppet/bin/puppet',
      '',
      0,
      '/var/run/puppetlabs/agent.pid',
    ],
    ["a user, Debian's packages", '/usr/bin/puppet', '', 1000, '/home/ann/.puppet/var/run/agent.pid'],
    ["a user, the vendor's packages", '/opt/x/puppet', '', 1000, '/home/ann/.puppetlabs/var/run/agent.pid'],
    ['rundir', '/usr/bin/puppet', 'rundir = /srv/r\n', 0, '/srv/r/agent.pid'],
    ['pidfile', '/usr/bin/puppet', 'pidfile = $rundir/$run_mode-x.pid\n', 0, '/run/puppet/agent-x.pid'],
    ['a home folder', '/usr/bin/puppet', 'pidfile = ~/x.pid\n', 1000, '/home/ann/x.pid'],
  ])("the daemon's pid: %s", (_, script, content, user, pidFile) => {
    configure(content);
    const run = runOf('agent', conf, { script });
    expect(findPuppetSettings(run, [fromText('HOME=/home/ann')], user).pidFile).toBe(pidFile);
  });

  test('the command line comes before puppet.conf', () => {
    configure('[agent]\nvardir = /srv/a\n');
    const { lockFile } = findPuppetSettings(runOf('agent', [...conf, '--vardir', '/srv/v']), [], 0);
    expect(lockFile).toBe('/srv/v/state/agent_catalog_run.lock');
  });

  test.each<[string, string, string]>([
    ['--vardir', './var', '/var/state'],
    ['--statedir', 'state', '/state'],
    ['--agent_catalog_run_lockfile', 'x/y.lock', '/x'],
  ])('a path that is not absolute begins in the folder of the run: %s %s', (option, path, folder) => {
    const run = runOf('agent', [...conf, option, path], { pid: process.pid });
    expect(dirname(findPuppetSettings(run, [], 0).lockFile)).toBe(`${process.cwd()}${folder}`);
  });

  test('`~` in --confdir and --config is the home folder', () => {
    configure('[agent]\nstatedir = /srv/s\n');
    const environment = [fromText(`HOME=${dir}`)];
    for (const options of [['--confdir=~'], ['--config=~/puppet.conf']])
      expect(findPuppetSettings(runOf('agent', options), environment, 0).lockFile).toBe(
        '/srv/s/agent_catalog_run.lock',
      );
  });

  test('--config names another file', () => {
    writeFileSync(join(dir, 'other.conf'), '[main]\nvardir = /srv/other\n');
    const { lockFile } = findPuppetSettings(runOf('agent', ['--config', join(dir, 'other.conf')]), [], 0);
    expect(lockFile).toBe('/srv/other/state/agent_catalog_run.lock');
  });

  test.each<['apply' | 'agent', string[], string, boolean]>([
    ['agent', [], '', false],
    ['agent', ['--noop'], '', true],
    ['agent', ['--no-noop'], '[main]\nnoop = true\n', false],
    ['agent', [], '[main]\nnoop = true\n', true],
    ['agent', [], '[agent]\nnoop = true\n', true],
    ['agent', [], '[agent]\nnoop = false\n[main]\nnoop = true\n', false],
    ['agent', [], '[user]\nnoop = true\n', false],
    ['apply', [], '[user]\nnoop = true\n', true],
    ['apply', [], '[agent]\nnoop = true\n', false],
  ])('puppet %s %j with %j is a no-op run: %s', (mode, words, content, noop) => {
    configure(content);
    expect(findPuppetSettings(runOf(mode, [...conf, ...words]), [], 0).noop).toBe(noop);
  });

  const missing = ['--config', '/nonexistent'];
  test.each<[string, string, number, string]>([
    ["root, Debian's packages", '/usr/bin/puppet', 0, '/var/cache/puppet'],
    ["root, the vendor's packages", '/opt/puppetlabs/puppet/bin/puppet', 0, '/opt/puppetlabs/puppet/cache'],
    ['root, a gem', '/usr/local/bin/puppet', 0, '/opt/puppetlabs/puppet/cache'],
    ["a user, Debian's packages", '/usr/bin/puppet', 1000, '/home/ann/.puppet/cache'],
    [
      "a user, the vendor's packages",
      '/opt/puppetlabs/puppet/bin/puppet',
      1000,
      '/home/ann/.puppetlabs/opt/puppet/cache',
    ],
  ])('the default for %s', (_, script, user, vardir) => {
    const environment = ['PATH=/bin', 'HOME=/home/ann'].map(fromText);
    const { lockFile } = findPuppetSettings(runOf('agent', missing, { script }), environment, user);
    expect(lockFile).toBe(`${vardir}/state/agent_catalog_run.lock`);
  });

  test('the default for a user whose environment is covered by a title: in the home folder that the user has', () => {
    const covered = ['', '', ''].map(fromText);
    const { lockFile } = findPuppetSettings(runOf('agent', missing), covered, 1000);
    expect(lockFile).toBe(`${userInfo().homedir}/.puppet/cache/state/agent_catalog_run.lock`);
  });
});

describe('the pid in a lock file', () => {
  test.each<[string, number | undefined]>([
    ['4711', 4711],
    ['4711\n', 4711],
    ['', undefined],
    ['4711x', undefined],
    ['-1', undefined],
    ['1e3', undefined],
  ])('%j', (content, expected) => {
    const path = join(dir, 'pid.lock');
    writeFileSync(path, content);
    expect(lockPid(path)).toBe(expected);
  });

  test('no file', () => {
    expect(lockPid(join(dir, 'missing'))).toBeUndefined();
  });
});
