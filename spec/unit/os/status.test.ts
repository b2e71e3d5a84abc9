import { describe, expect, test } from 'vitest';
import { namespacesIn, parseStatus } from '../../../src/os/status.ts';

const status = [
  'Name:\tpuppet',
  'Umask:\t0027',
  'State:\tS (sleeping)',
  'Pid:\t4711',
  'PPid:\t17',
  'Uid:\t1000\t1001\t1000\t1001',
  'Gid:\t1000\t1000\t1000\t1000',
  'SigBlk:\t0000000000004000',
  'SigIgn:\t8000000000001001',
  'SigCgt:\t0000000142017e4f',
  '',
].join('\n');

describe('/proc/PID/status', () => {
  test('users, umask (octal) and signal sets (hexadecimal, all 64 bits)', () => {
    expect(parseStatus(status)).toEqual({
      realUser: 1000,
      effectiveUser: 1001,
      umask: 0o027,
      ignoredSignals: 0x8000000000001001n,
      blockedSignals: 0x4000n,
    });
  });

  test.each(['Uid', 'Umask', 'SigIgn', 'SigBlk'])('without %s it is not understood', (field) => {
    expect(parseStatus(status.replace(`${field}:`, 'Other:'))).toBeUndefined();
  });

  test.each([
    ['on the machine', 'NSpid:\t4711', 1],
    ['in a container', 'NSpid:\t4711\t17', 2],
    ['in a container of a container', 'NSpid:\t4711\t17\t1', 3],
    ['where an old kernel does not tell', 'Other:\t4711\t17', 1],
    ['whatever its name is', 'Name:\tNSpid:\t1\t2\nNSpid:\t4711', 1],
  ])('how deep it lies in PID namespaces: %s', (_, line, expected) => {
    expect(namespacesIn(`Umask:\t0022\n${line}\nNSpgid:\t1\t1\t1\t1\n`)).toBe(expected);
  });

  test('a name that looks like another field changes nothing', () => {
    // The kernel escapes newlines in names (proc_pid_status(5)).
    expect(parseStatus(status.replace('puppet', '\\nUid:\\t0'))?.realUser).toBe(1000);
  });

  test.each([
    ['an empty file', ''],
    ['users that are no numbers', status.replace('1000\t1001', 'root\troot')],
    ['signals that are not hexadecimal', status.replace('8000000000001001', 'none')],
    ['a umask that is not octal', status.replace('0027', 'x')],
    ['no users, which does not mean root', status.replace('1000\t1001\t1000\t1001', '')],
    ['signals of more than 64 bits', status.replace('8000000000001001', '18000000000001001')],
  ])('%s: not understood, and no crash', (_, text) => {
    expect(parseStatus(text)).toBeUndefined();
  });
});
