import { describe, expect, test } from 'vitest';
import { type Bytes, fromText } from '../../../src/os/bytes.ts';
import {
  chainLinkOf,
  checkEnvironment,
  processName,
  rerunEnvironment,
} from '../../../src/repeat/environment.ts';

const NAME = '4711:123:11111111-2222-3333-4444-555555555555';
const link = { chain: 'c0ffee', link: 3 };
const OURS = ['AGAIN_CHAIN=c0ffee', 'AGAIN_LINK=3', `AGAIN_PROCESS=${NAME}`];
const of = (...entries: string[]) => entries as Bytes[];

test('a process is named by pid, start and boot', () => {
  expect(processName({ pid: 4711, start: 123 }, '11111111-2222-3333-4444-555555555555')).toBe(NAME);
});

describe("the rerun's environment is the run's, and then the chain", () => {
  test.each<[string, string[]]>([
    ['nothing', []],
    ['in its own order', ['Z=1', 'A=2', 'M=3']],
    ['duplicates', ['A=1', 'A=2', 'A=1']],
    ['an entry without `=`', ['A=1', 'NAKED', 'B=2']],
    ['an empty entry', ['']],
    ['an empty name', ['=x']],
    ['`=` and newlines in values', ['A=b=c\nd=e']],
    ['bytes that are not UTF-8', ['A=\xff\xfe', '\xe9=1']],
    ['digits as names', ['5=x', '1=y']],
    ['names that only begin like ours', ['AGAIN=1', 'AGAIN_CHAINS=2', 'AGAIN_LINKED=3', 'MY_AGAIN_LINK=4']],
    ['128 KiB', [`A=${'x'.repeat(128 * 1024)}`]],
  ])('%s', (_, entries) => {
    expect(rerunEnvironment(of(...entries), link, NAME)).toEqual([...entries, ...OURS]);
  });

  test('former variables of a chain are replaced', () => {
    const former = of(
      'A=1',
      'AGAIN_LINK=2',
      'B=2',
      'AGAIN_CHAIN=beef',
      'AGAIN_PROCESS=1:1:x',
      'AGAIN_LINK=9',
    );
    expect(rerunEnvironment(former, link, NAME)).toEqual(['A=1', 'B=2', ...OURS]);
  });
});

describe('the link that a run is', () => {
  test('comes back from the environment that it was given', () => {
    expect(chainLinkOf(rerunEnvironment(of('A=1'), link, NAME), NAME)).toEqual(link);
  });

  test.each<[string, string[]]>([
    ['no variables', []],
    ['variables of another process (they are inherited)', [...OURS.slice(0, 2), 'AGAIN_PROCESS=4712:9:x']],
    ['no process', OURS.slice(0, 2)],
    ['no chain', OURS.slice(1)],
    ['no link', ['AGAIN_CHAIN=c0ffee', `AGAIN_PROCESS=${NAME}`]],
    ['a chain that is no such name', ['AGAIN_CHAIN=../x', ...OURS.slice(1)]],
    ['an empty chain', ['AGAIN_CHAIN=', ...OURS.slice(1)]],
    ['link 0', ['AGAIN_CHAIN=c0ffee', 'AGAIN_LINK=0', `AGAIN_PROCESS=${NAME}`]],
    ['link -1', ['AGAIN_CHAIN=c0ffee', 'AGAIN_LINK=-1', `AGAIN_PROCESS=${NAME}`]],
    ['link 1.5', ['AGAIN_CHAIN=c0ffee', 'AGAIN_LINK=1.5', `AGAIN_PROCESS=${NAME}`]],
    ['link x', ['AGAIN_CHAIN=c0ffee', 'AGAIN_LINK=x', `AGAIN_PROCESS=${NAME}`]],
    ['link 1e999', ['AGAIN_CHAIN=c0ffee', 'AGAIN_LINK=1e999', `AGAIN_PROCESS=${NAME}`]],
  ])('%s: none', (_, entries) => {
    expect(chainLinkOf(of(...entries), NAME)).toBeUndefined();
  });
});

describe('the environment of a check', () => {
  test.each<[string, Bytes[], Record<string, string>]>([
    ['is that of the run', of('A=1', 'B=', 'C=a=b\nd'), { A: '1', B: '', C: 'a=b\nd' }],
    ['has the first of two of one name', of('A=1', 'A=2'), { A: '1' }],
    ['has only what has a name and a value', of('NAKED', '=x', ''), {}],
    ['has text beyond ASCII', [fromText('A=größe')], { A: 'größe' }],
    ['has no bytes that are not UTF-8', of('A=\xff\xfe', 'B=1'), { B: '1' }],
  ])('%s', (_, entries, expected) => {
    expect(checkEnvironment(entries)).toEqual(expected);
  });
});
