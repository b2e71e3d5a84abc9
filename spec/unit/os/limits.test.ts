import { describe, expect, test } from 'vitest';
import { parseOpenFilesLimit } from '../../../src/os/limits.ts';

const limits = (soft: string, hard: string) =>
  [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max processes             63522                63522                processes ',
    `Max open files            ${soft.padEnd(20)} ${hard.padEnd(20)} files     `,
    'Max locked memory         8388608              8388608              bytes     ',
    '',
  ].join('\n');

describe('the limit of open files in /proc/PID/limits', () => {
  test.each([
    ['1024', '524288', { soft: 1024, hard: 524288 }],
    ['0', '0', { soft: 0, hard: 0 }],
    ['1024', 'unlimited', { soft: 1024, hard: undefined }],
    ['unlimited', 'unlimited', { soft: undefined, hard: undefined }],
  ])('%s of %s', (soft, hard, limit) => {
    expect(parseOpenFilesLimit(limits(soft, hard))).toEqual(limit);
  });

  test('a file without it says nothing', () => {
    expect(parseOpenFilesLimit('Max processes 1 1 processes\n')).toBeUndefined();
    expect(parseOpenFilesLimit('')).toBeUndefined();
  });
});
