import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ProcessId, readStat } from '../../../src/os/process.ts';
import { nextLook, runEnds } from '../../../src/wait/run-end.ts';
import { createWakeup } from '../../../src/wait/wakeup.ts';
import { temporaryFolder } from '../state/temporary.ts';

describe('the pause between two looks', () => {
  test.each([
    [0, 4],
    [400, 4],
    [1000, 10],
    [10_000, 100],
    [86_400_000, 250],
  ])('after %d ms without a change: %d ms', (passed, pause) => {
    expect(nextLook(passed)).toBe(pause);
  });

  test('an hour of looking is less than 16,000 looks', () => {
    let looks = 0;
    for (let passed = 0; passed < 3_600_000; passed += nextLook(passed)) looks += 1;
    expect(looks).toBeLessThan(16_000);
  });
});

describe('waiting for the end of a run', () => {
  /** A process that ends with its input. */
  function startCat(): { child: ChildProcess; id: ProcessId } {
    const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
    const pid = child.pid as number;
    return { child, id: { pid, start: readStat(pid)?.start as number } };
  }

  async function end(child: ChildProcess): Promise<void> {
    const exit = once(child, 'exit');
    child.stdin?.end();
    await exit;
  }

  test('is true when it has ended', async () => {
    const { child, id } = startCat();
    const wakeup = createWakeup();
    const ended = runEnds(id, wakeup, '/nonexistent');
    await end(child);
    expect(await ended).toMatchObject({ ended: true });
    wakeup.close();
  });

  test('is false when something else comes first', async () => {
    const { child, id } = startCat();
    const wakeup = createWakeup();
    const ended = runEnds(id, wakeup, '/nonexistent');
    wakeup.poke();
    expect(await ended).toMatchObject({ ended: false });
    await end(child);
    wakeup.close();
  });

  test("is false when something changes in Puppet's folder, which nobody watches afterwards", async () => {
    const { child, id } = startCat();
    const wakeup = createWakeup();
    const folder = temporaryFolder();
    let changes = 0;
    const ended = runEnds(id, wakeup, folder, () => {
      changes += 1;
    });
    writeFileSync(join(folder, 'last_run_report.yaml'), '---');
    expect(await ended).toMatchObject({ ended: false });
    expect(changes).toBeGreaterThan(0);
    await wakeup.sleep(0);
    writeFileSync(join(folder, 'last_run_report.yaml'), '--- changed');
    expect(await wakeup.sleep(50)).toBe(false);
    await end(child);
    wakeup.close();
  });
});
