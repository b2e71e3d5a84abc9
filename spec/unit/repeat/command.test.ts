import { describe, expect, test } from 'vitest';
import { type Bytes, fromText } from '../../../src/os/bytes.ts';
import { parseArguments } from '../../../src/puppet/arguments.ts';
import type { Run } from '../../../src/puppet/run.ts';
import { knowsWaitForLock, rerunArguments } from '../../../src/repeat/command.ts';

const HEAD = ['/usr/bin/ruby', '/usr/bin/puppet'];

function runOf(mode: 'apply' | 'agent' | 'daemon', words: readonly (string | Bytes)[]): Run {
  const args = words as readonly Bytes[];
  const process = { pid: 4711, start: 1 };
  const argv = [...HEAD, mode === 'apply' ? 'apply' : 'agent', ...args] as Bytes[];
  const base = { process, source: process, executable: fromText('/usr/bin/ruby3.1'), argv, prefix: 3 };
  const parsed = { ...base, arguments: parseArguments(args, mode === 'apply' ? 'apply' : 'agent') };
  return mode === 'apply' ? { ...parsed, mode, manifest: undefined } : { ...parsed, mode };
}

const rerun = (mode: 'apply' | 'agent' | 'daemon', words: string[], waitsForLock = true) =>
  rerunArguments(runOf(mode, words), waitsForLock).slice(3);

const WAIT = ['--waitforlock', '5', '--maxwaitforlock', 'unlimited'];
const SINGLE = ['--onetime', '--no-daemonize', '--no-splay'];

describe('`puppet apply` is repeated byte for byte', () => {
  test.each<[string, string[]]>([
    ['a manifest', ['site.pp']],
    ['a manifest on the command line', ['-e', "exec { 'x': }"]],
    ['an empty argument', ['site.pp', '--tags', '']],
    ['spaces and newlines', ['-e', 'a {\n  b }  ']],
    ['`=` in values', ['--tags=a=b', 'site.pp']],
    ['bytes that are not UTF-8', ['caf\xe9.pp']],
    ['an argument of 128 KiB', ['-e', 'x'.repeat(128 * 1024)]],
    ['options that mean something to an agent', ['--job-id', '7', '--splay', 'site.pp']],
  ])('%s', (_, words) => {
    expect(rerunArguments(runOf('apply', words), true)).toEqual([...HEAD, 'apply', ...words]);
  });
});

describe("an agent's run is repeated with what is missing for one run in the foreground, at once", () => {
  test.each<[string, string[], string[]]>([
    ['nothing is missing of --test but the wait for the lock', ['--test'], ['--test', ...WAIT]],
    ['nor of -t', ['-t'], ['-t', ...WAIT]],
    ['nor of -tv', ['-tv'], ['-tv', ...WAIT]],
    ['a daemon', [], [...SINGLE, ...WAIT]],
    [
      'a daemon in the foreground',
      ['--no-daemonize'],
      ['--no-daemonize', '--onetime', '--no-splay', ...WAIT],
    ],
    ['--onetime', ['--onetime'], ['--onetime', '--no-daemonize', '--no-splay', ...WAIT]],
    ['-o', ['-o'], ['-o', '--no-daemonize', '--no-splay', ...WAIT]],
    ['splay turned off already', ['--onetime', '--no-daemonize', '--no-splay'], [...SINGLE, ...WAIT]],
    [
      'splay turned on',
      ['--onetime', '--splay'],
      ['--onetime', '--splay', '--no-daemonize', '--no-splay', ...WAIT],
    ],
    [
      'splay off and on again: the last one counts',
      ['--no-splay', '--splay', '--onetime'],
      ['--no-splay', '--splay', '--onetime', '--no-daemonize', '--no-splay', ...WAIT],
    ],
    ['--test whatever is said of splay', ['--test', '--splay'], ['--test', '--splay', ...WAIT]],
    [
      'other options stay where they are',
      ['--server', 'a', '--tags=b,c', '-t'],
      ['--server', 'a', '--tags=b,c', '-t', ...WAIT],
    ],
    ['nor of a shortened --test', ['--tes'], ['--tes', ...WAIT]],
    [
      'a shortened option before --onetime: it is not added again',
      ['--detailed-exitcode', '--onetime', '--no-daemonize'],
      ['--detailed-exitcode', '--onetime', '--no-daemonize', '--no-splay', ...WAIT],
    ],
    [
      'a shortened setting, which Puppet ignores',
      ['--onet', '--no-daem'],
      ['--onet', '--no-daem', ...SINGLE, ...WAIT],
    ],
    ['a --test that may be a value', ['--newer', '--test'], ['--newer', '--test', ...SINGLE, ...WAIT]],
    [
      'an option that is not known, and the settings after it',
      ['--newer', 'x', ...SINGLE],
      ['--newer', 'x', ...SINGLE, ...WAIT],
    ],
    ['--job-i X goes', ['-t', '--job-i', '7'], ['-t', ...WAIT]],
    ['--job-id X goes', ['-t', '--job-id', '7', '--noop'], ['-t', '--noop', ...WAIT]],
    ['--job-id=X goes', ['--job-id=7', '-t'], ['-t', ...WAIT]],
    ['--job_id X goes', ['--job_id', '7', '-t'], ['-t', ...WAIT]],
    ['two of them go', ['--job-id', '7', '-t', '--job-id=8'], ['-t', ...WAIT]],
    [
      'a value that reads --job-id stays',
      ['-t', '--tags', '--job-id'],
      ['-t', '--tags', '--job-id', ...WAIT],
    ],
    ['an empty value stays', ['-t', '--tags', ''], ['-t', '--tags', '', ...WAIT]],
  ])('%s', (_, words, expected) => {
    expect(rerun('agent', words)).toEqual(expected);
  });

  test('nothing is added after `--`', () => {
    expect(rerun('agent', ['-t', '--'])).toEqual(['-t', ...WAIT, '--']);
  });

  test('a daemon keeps its own arguments', () => {
    const words = ['--server', 'puppet.example.com', '--confdir', '/etc/x'];
    expect(rerun('daemon', words)).toEqual([...words, ...SINGLE, ...WAIT]);
  });

  test('what comes before the arguments stays: interpreter, its options, script', () => {
    const run = { ...runOf('agent', ['-t', '--job-id', '7']), prefix: 3 };
    const argv = ['/usr/bin/ruby', '-W0', '/usr/bin/puppet', 'agent', '-t', '--job-id', '7'] as Bytes[];
    expect(rerunArguments({ ...run, argv, prefix: 4 }, false)).toEqual(argv.slice(0, 5));
  });
});

describe('the wait for the lock', () => {
  test.each<[string, string[], string[]]>([
    ['not given', [], WAIT],
    ['--waitforlock 0 is no wait', ['--waitforlock', '0'], WAIT],
    ['--waitforlock=0 is no wait', ['--waitforlock=0'], WAIT],
    ['--waitforlock 0s is no wait', ['--waitforlock', '0s'], WAIT],
    ['a wait of its own stays', ['--waitforlock', '10'], ['--maxwaitforlock', 'unlimited']],
    ['one in minutes stays', ['--waitforlock=2m'], ['--maxwaitforlock', 'unlimited']],
    [
      'an end is taken away',
      ['--waitforlock', '10', '--maxwaitforlock', '2m'],
      ['--maxwaitforlock', 'unlimited'],
    ],
    ['an end without a wait', ['--maxwaitforlock', '2m'], WAIT],
    ['all given', ['--waitforlock', '10', '--maxwaitforlock', 'unlimited'], []],
  ])('%s', (_, words, added) => {
    expect(rerun('agent', ['-t', ...words])).toEqual(['-t', ...words, ...added]);
  });

  test('a Puppet that does not know it is not asked for it (5.5)', () => {
    expect(rerun('agent', ['-t'], false)).toEqual(['-t']);
    expect(rerun('daemon', [], false)).toEqual(SINGLE);
  });

  test.each<[string, boolean]>([
    ['5.5.22', false],
    ['6.18.0', false],
    ['6.19.0', true],
    ['6.28.0', true],
    ['7.23.0', true],
    ['8.10.0', true],
    ['10.0.0', true],
    ['7.0.0-rc1', true],
    ['', false],
    ['unknown', false],
  ])('Puppet %j knows it: %s', (version, expected) => {
    expect(knowsWaitForLock(version)).toBe(expected);
  });
});
