import { spawn } from 'node:child_process';
import { until } from '../wait.ts';
import type { Container } from './container.ts';
import { run } from './run.ts';

/** A network that connects containers with each other and with nothing else. */
export interface Network {
  /** Gives a container an address in it: it keeps that over reboots. All have the first three bytes in common. */
  join(container: Container, address: string): Promise<void>;
  /** Disconnects all. May be called again. */
  close(): Promise<void>;
}

/**
 * Opens one: a bridge in a network namespace of its own, that a process holds. With the process, which ends with this one at the latest, the
 * kernel drops the bridge and every cable to it: the machine's own network never has any part in it.
 *
 * @throws Error with the output of ip(8) when the bridge can't be made
 */
export async function openNetwork(): Promise<Network> {
  const script = 'ip link add hub type bridge && ip link set hub up && echo open && exec cat';
  const hub = spawn('unshare', ['--net', 'sh', '-c', script], { detached: true, stdio: 'pipe' });
  const output: string[] = [];
  for (const stream of [hub.stdout, hub.stderr])
    stream.setEncoding('utf8').on('data', (text) => output.push(text));
  const ended = new Promise((resolve) => hub.once('close', resolve));
  hub.stdin.on('error', () => {}); // it has ended
  const open = () => output.includes('open\n') || hub.exitCode !== null;
  await until('the bridge of the network', open, { seconds: 30 });
  if (hub.exitCode !== null) throw new Error(`the network failed:\n${output.join('')}`);

  return {
    async join({ supervisor }, address) {
      const cable = `c${supervisor}`;
      const connect =
        'ip link add "$1" type veth peer name host0 netns "$2" && ip link set "$1" master hub up';
      await within(Number(hub.pid), connect, [cable, `${supervisor}`]);
      await within(supervisor, 'ip address add "$1/24" dev host0 && ip link set host0 up', [address]);
    },
    async close() {
      hub.stdin.end();
      await ended;
    },
  };
}

/** Runs a line of shell in the network of a process. */
async function within(pid: number, script: string, args: readonly string[]): Promise<void> {
  await run(['nsenter', `--target=${pid}`, '--net', 'sh', '-c', script, 'sh', ...args]);
}
