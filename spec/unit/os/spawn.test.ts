import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runSilently } from '../../../src/os/spawn.ts';
import { temporaryFolder } from '../state/temporary.ts';

describe('a command that is run silently', () => {
  test('its exit code', () => {
    expect(runSilently('/bin/sh', ['-c', 'exit 0'])).toBe(0);
    expect(runSilently('/bin/sh', ['-c', 'exit 3'])).toBe(3);
  });

  test('none where it is not there, or was killed', () => {
    expect(runSilently('/nonexistent', [])).toBeUndefined();
    expect(runSilently('/bin/sh', ['-c', 'kill -KILL $$'])).toBeUndefined();
  });

  test('is found where the system has its tools, with nothing of this environment, and with its arguments as they are', () => {
    const file = join(temporaryFolder(), 'out');
    expect(runSilently('sh', ['-c', 'env > "$1"; printf "%s" "$2" >> "$1"', 'sh', file, 'a  "b" $c'])).toBe(
      0,
    );
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines.at(-1)).toBe('a  "b" $c');
    expect(
      lines
        .slice(0, -1)
        .map((line) => line.split('=')[0])
        .filter((name) => !['PWD', 'SHLVL', '_'].includes(name as string)),
    ).toEqual(['PATH']);
  });

  test('can neither read nor write', () => {
    expect(runSilently('/bin/sh', ['-c', 'test ! -t 0 && ! read -r line && echo lost'])).toBe(0);
  });
});
