import type { World } from './world.ts';

/** Has a process hold the lock of a world's state, and do nothing more, as one that is stopped: the path of the lock, and its pid. */
export async function holdLock({
  again,
  node,
  run,
  start,
  state,
}: World): Promise<{ lock: string; pid: number }> {
  await run({ argv: [`${again}/again`, 'status'] }); // takes the lock, and leaves its file
  const { pid } = await start({ argv: ['/bin/sleep', '600'] });
  const startTime = (await node.processes()).find((process) => process.pid === pid)?.startTime;
  const boot = (await node.files.read('/proc/sys/kernel/random/boot_id')).toString().trim();
  const [last] = (await node.files.list(state)).filter((name) => name.startsWith('lock-'));
  const lock = `${state}/${last?.replace(/\d+$/, '1000')}`;
  await node.files.write(lock, JSON.stringify({ pid, start: startTime, boot }));
  return { lock, pid };
}
