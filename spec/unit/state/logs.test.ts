import { closeSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { linkLog, logPath, newLogName, pruneLogs, startLog } from '../../../src/state/logs.ts';
import { temporaryFolder } from './temporary.ts';

function withLogs(count: number): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'logs'));
  for (let i = 0; i < count; i += 1) {
    const path = logPath(folder, `log${i}`);
    writeFileSync(path, '');
    utimesSync(path, 1000 + i, 1000 + i);
  }
  return folder;
}

describe('the logs of reruns', () => {
  test('have names that sort by time', () => {
    const name = newLogName(new Date('2026-11-22T08:09:10.123Z'));
    expect(name).toMatch(/^20261122T080910Z-[0-9a-f]{6}\.log$/);
    expect(newLogName(new Date('2026-11-22T08:09:11Z')) > name).toBe(true);
  });

  test('the 21st takes the place of the oldest', () => {
    const folder = withLogs(20);
    pruneLogs(folder);
    closeSync(startLog(folder, 'newest', 'x'));
    const names = readdirSync(join(folder, 'logs'));
    expect(names).toHaveLength(20);
    expect(names).not.toContain('log0');
    expect(names).toEqual(expect.arrayContaining(['log1', 'log19', 'newest']));
  });

  test('one with several names counts once, and goes with all of them', () => {
    const folder = withLogs(20);
    linkLog(folder, 'log19', 'also19');
    linkLog(folder, 'log0', 'also0');
    pruneLogs(folder);
    const names = readdirSync(join(folder, 'logs'));
    expect(names).toHaveLength(20);
    expect(names).toEqual(expect.arrayContaining(['log1', 'log19', 'also19']));
    expect(names).not.toEqual(expect.arrayContaining(['log0']));
    expect(names).not.toEqual(expect.arrayContaining(['also0']));
  });

  test.each([0, 1, 19])('%i are all kept', (count) => {
    const folder = withLogs(count);
    pruneLogs(folder);
    expect(readdirSync(join(folder, 'logs'))).toHaveLength(count);
  });

  test('far too many go at once, but not the ones that were written to last', () => {
    const folder = withLogs(50);
    utimesSync(logPath(folder, 'log0'), 9000, 9000);
    pruneLogs(folder);
    expect(readdirSync(join(folder, 'logs')).sort()).toEqual(
      ['log0', ...Array.from({ length: 18 }, (_, i) => `log${i + 32}`)].sort(),
    );
  });

  test('begin with a line of our own', () => {
    const folder = withLogs(0);
    closeSync(startLog(folder, 'x.log', 'runs `puppet agent`'));
    expect(readFileSync(logPath(folder, 'x.log'), 'utf8')).toBe('again: runs `puppet agent`\n');
  });
});
