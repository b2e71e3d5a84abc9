import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { HOLDS, PATIENCE_MS } from '../../src/wait/condition/answer.ts';
import { lookAtPath, nearestFolder } from '../../src/wait/condition/path.ts';
import { temporaryFolder } from '../unit/state/temporary.ts';

/** Mounts a file system whose server never answers: a FUSE whose requests are never read. The end of its input ends it. */
const silence = `device=/dev/fuse
[ -c $device ] || { device=$1.fuse; mknod "$device" c 10 229; }
exec 3<>"$device"
mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 silent "$1"
echo mounted
read -r _ || :
umount --lazy "$1"`;

async function mountSilence(folder: string): Promise<void> {
  const holder = spawn('bash', ['-euc', silence, 'bash', folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(holder, 'exit');
  onTestFinished(async () => {
    holder.stdin.end();
    await ended;
  });
  const [first] = await Promise.race([once(holder.stdout, 'data'), ended]);
  expect(String(first)).toBe('mounted\n');
}

/** The processes that still ask for something below a folder. */
function asking(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return words[0] === 'test' && words.some((word) => word.startsWith(folder)) ? [words.join(' ')] : [];
      } catch {
        return []; // it has ended meanwhile
      }
    });
}

test('a path on a file system whose server does not answer, by its name and by a link, is given up, and holds up no other look', async () => {
  const folder = temporaryFolder();
  const served = temporaryFolder();
  const [straight, behind] = [join(served, 'goal'), join(folder, 'link/goal')];
  symlinkSync(served, join(folder, 'link'));
  await mountSilence(served);

  const { signal } = new AbortController();
  const began = performance.now();
  const slow = Promise.all([straight, behind].map((path) => lookAtPath(path, { signal })));
  expect(nearestFolder(straight)).toBeUndefined();
  expect(nearestFolder(behind)).toBeUndefined();
  expect(await lookAtPath('/proc/self', { signal })).toEqual(HOLDS);
  expect(performance.now() - began).toBeLessThan(PATIENCE_MS / 2);

  const answers = await slow;
  expect(performance.now() - began).toBeGreaterThanOrEqual(PATIENCE_MS - 100);
  expect(answers).toEqual(
    [straight, behind].map((path) =>
      expect.objectContaining({ holds: false, because: `${path}: its file system does not answer` }),
    ),
  );
  expect([served, folder].flatMap(asking)).toEqual([]);
}, 60_000);

test('such a look ends at once where it is not wanted any more', async () => {
  const served = temporaryFolder();
  await mountSilence(served);
  const controller = new AbortController();
  const look = lookAtPath(join(served, 'goal'), { signal: controller.signal });
  await vi.waitFor(() => expect(asking(served)).toHaveLength(1));
  const began = performance.now();
  controller.abort();
  await look;
  expect(performance.now() - began).toBeLessThan(PATIENCE_MS / 2);
  expect(asking(served)).toEqual([]);
}, 60_000);
