import type { World } from './world.ts';

/** Whether signals, or this one alone, wait to be taken by a process; those that it blocks are never taken. */
export async function hasPendingSignals(world: World, pid: number, signal?: number): Promise<boolean> {
  const status = await world.node.files.read(`/proc/${pid}/status`).then(String, () => '');
  const set = (name: string) =>
    BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? 0}`);
  const waiting = (set('SigPnd') | set('ShdPnd')) & ~set('SigBlk');
  return (signal === undefined ? waiting : (waiting >> BigInt(signal - 1)) & 1n) !== 0n;
}

/** The inodes of the TCP sockets on which a process listens, by /proc/PID/net (proc_pid_net(5)): state 0A. */
export async function listeningSockets(world: World, pid: number): Promise<string[]> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => world.node.files.read(`/proc/${pid}/net/${name}`)),
  );
  const listening = tables
    .flatMap((table) => table.toString().split('\n'))
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A')
    .map((fields) => fields[9] as string);
  const { stdout } = await world.node.exec({ argv: ['/bin/ls', '-l', `/proc/${pid}/fd`] });
  const own = [...stdout.matchAll(/socket:\[(\d+)\]$/gm)].map(([, inode]) => inode as string);
  return own.filter((inode) => listening.includes(inode));
}
