import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type ProcessId, readStat, self } from '../../../../src/os/process.ts';
import type { Condition } from '../../../../src/schedule/condition.ts';
import {
  adoptWords,
  giveWords,
  INHERITED_WORDS,
  keepWords,
  neededBy,
  ownWords,
  readOwnWords,
  readWordsOf,
  takesWords,
} from '../../../../src/wait/condition/words.ts';
import { awaitedEntry, entry } from '../../schedule/entries.ts';
import { temporaryFolder } from '../../state/temporary.ts';

const condition = (succeeds: string): Condition => ({
  exists: [],
  connects: [],
  succeeds,
  sensitive: true,
  interval: 5,
  timeout: 60,
  onTimeout: 'run',
});
const [one, two] = [condition('secret "1"\nü'), condition('secret 2')];

/** A process that was started with our words, and is stopped: it stands for a waiter that does nothing. */
function startHolder(): { child: ChildProcess; id: ProcessId } {
  const child = spawn('sleep', ['600'], {
    stdio: ['ignore', 'ignore', 'ignore', 'ignore', 'ignore', ownWords() as number],
  });
  child.kill('SIGSTOP');
  onTestFinished(() => void child.kill('SIGKILL'));
  const pid = child.pid as number;
  return { child, id: { pid, start: readStat(pid)?.start as number } };
}

describe('the words of conditions', () => {
  test('are in a file without a name, in memory, which others of this user find through the process', () => {
    expect([takesWords(self()), readOwnWords().size]).toEqual([false, 0]);
    keepWords(new Map([['a', one]]));
    const link = readlinkSync(`/proc/self/fd/${ownWords()}`);
    expect(link).toMatch(/^\/dev\/shm\/again-when-[0-9a-f]{12}\.tmp \(deleted\)$/);
    expect(existsSync(link.replace(' (deleted)', ''))).toBe(false);
    expect(takesWords(self())).toBe(true);
    expect(readWordsOf(self())).toEqual(new Map([['a', one]]));
    expect(readOwnWords()).toEqual(readWordsOf(self()));
  });

  test('of a waiter that is stopped can be read, and added to; it reads what was added', () => {
    keepWords(new Map([['a', one]]));
    const { id } = startHolder();
    expect(readWordsOf(id)).toEqual(new Map([['a', one]]));
    giveWords(id, new Map([['b', two]]));
    expect(readOwnWords()).toEqual(
      new Map([
        ['a', one],
        ['b', two],
      ]),
    );
    expect(readOwnWords()).toEqual(readWordsOf(id));
  });

  test('are no others once new ones are kept, and the former waiter has its own', () => {
    keepWords(new Map([['a', one]]));
    const { id } = startHolder();
    const before = readdirSync('/proc/self/fd').length;
    keepWords(new Map([['b', two]]));
    expect(readdirSync('/proc/self/fd')).toHaveLength(before);
    expect(readOwnWords()).toEqual(new Map([['b', two]]));
    expect(readWordsOf(id)).toEqual(new Map([['a', one]]));
  });

  test('a successor takes what it has inherited, and nothing else', () => {
    keepWords(new Map([['a', one]]));
    const own = ownWords();
    adoptWords(openSync('/dev/null', 'r'));
    adoptWords(9999);
    expect(ownWords()).toBe(own);
    const inherited = openSync(`/proc/self/fd/${own}`, 'r+');
    adoptWords(inherited);
    expect(ownWords()).toBe(inherited);
    expect(readOwnWords()).toEqual(new Map([['a', one]]));
    const { id } = startHolder();
    expect(readlinkSync(`/proc/${id.pid}/fd/${INHERITED_WORDS}`)).toMatch(/again-when/);
  });

  test('are not given to a process that has no place for them, or is no more', () => {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' });
    onTestFinished(() => void child.kill('SIGKILL'));
    const id = { pid: child.pid as number, start: 0 };
    expect([takesWords(id), readWordsOf(id).size]).toEqual([false, 0]);
    expect(() => giveWords(id, new Map([['a', one]]))).toThrow(
      /cannot be given to the waiter, pid \d+ \(it has no place/,
    );
    expect(() => giveWords(id, new Map())).not.toThrow();
    expect(readWordsOf({ pid: 4_194_999, start: 1 }).size).toBe(0);
  });

  test('are kept in memory or not at all', () => {
    const folder = temporaryFolder();
    if (readdirSync(folder).length > 0) throw new Error('not empty');
    expect(() => keepWords(new Map([['a', one]]), ['/nonexistent', '/proc'])).toThrow(
      /^there is no memory for the words of its condition in \/nonexistent, \/proc: make room there, or mount a tmpfs on \/dev\/shm$/,
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  test('that are needed are those that are still waited for', () => {
    const words = new Map([
      ['a', one],
      ['b', two],
      ['c', two],
    ]);
    const entries = [
      awaitedEntry({ id: 'a' }),
      awaitedEntry({ id: 'b', metAt: 5 }),
      awaitedEntry({ id: 'x' }),
      entry(),
    ];
    expect(neededBy(entries, words)).toEqual(new Map([['a', one]]));
  });
});
