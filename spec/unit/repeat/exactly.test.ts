import { describe, expect, test } from 'vitest';
import type { Bytes } from '../../../src/os/bytes.ts';
import { nodeCanSetSignals, textArguments, textEnvironment } from '../../../src/repeat/exactly.ts';

const of = (...entries: string[]) => entries as Bytes[];

describe("what Node's execve passes on as it is", () => {
  test('arguments in UTF-8', () => {
    expect(textArguments(of('ruby', '', 'a b\nc', '\xc3\xa9'))).toEqual(['ruby', '', 'a b\nc', 'é']);
  });

  test('no arguments that are not UTF-8', () => {
    expect(textArguments(of('ruby', '\xe9'))).toBeUndefined();
  });

  test('an environment, in its order', () => {
    const entries = of('Z=1', 'A=', 'a=b=c\nd', '\xc3\xa9=\xc3\xa9', '__proto__=x', 'constructor=y', '1x=2');
    const environment = textEnvironment(entries);
    expect(Object.entries(environment ?? {}).map(([name, value]) => `${name}=${value}`)).toEqual([
      'Z=1',
      'A=',
      'a=b=c\nd',
      'é=é',
      '__proto__=x',
      'constructor=y',
      '1x=2',
    ]);
  });

  test.each<[string, string[]]>([
    ['bytes that are not UTF-8', ['A=\xff']],
    ['a name that is not UTF-8', ['\xff=1']],
    ['an entry without `=`', ['NAKED']],
    ['an empty entry', ['']],
    ['an empty name', ['=C:=x']],
    ['a name twice', ['A=1', 'A=2']],
    ['a name of digits', ['5=x']],
  ])('no environment with %s', (_, entries) => {
    expect(textEnvironment(of('A0=1', ...entries))).toBeUndefined();
  });
});

describe('the signals that Node can set', () => {
  const SIGHUP = 1n;
  const SIGPIPE = 1n << 12n;
  const SIGXFSZ = 1n << 24n;
  test.each<[string, bigint, bigint, boolean]>([
    ['nothing ignored, nothing blocked', 0n, 0n, true],
    ['what Node ignores itself', SIGPIPE | SIGXFSZ, 0n, true],
    ['one of these two', SIGPIPE, 0n, true],
    ['SIGHUP ignored (nohup)', SIGHUP, 0n, false],
    ['SIGHUP beside SIGPIPE ignored', SIGHUP | SIGPIPE, 0n, false],
    ['SIGTERM blocked', 0n, 1n << 14n, false],
    ['a real-time signal ignored', 1n << 63n, 0n, false],
  ])('%s', (_, ignored, blocked, expected) => {
    expect(nodeCanSetSignals(ignored, blocked, SIGPIPE | SIGXFSZ)).toBe(expected);
  });

  test('none where this process ignores a signal that the run did not, for it could not be reset', () => {
    expect(nodeCanSetSignals(0n, 0n, SIGPIPE | (1n << 63n))).toBe(false);
    expect(nodeCanSetSignals(1n << 63n, 0n, SIGPIPE | (1n << 63n))).toBe(true);
  });
});
