import { toDisplay } from '../os/bytes.ts';
import { FIRST_NAMESPACE, here } from '../os/place.ts';
import type { ProcessSnapshot } from '../os/process.ts';
import { readText } from '../os/read.ts';

/** Programs that stay as process 1 whatever their first child does, by the whole names that the kernel shows of them (proc_pid_comm(5)). */
const INITS =
  /^(?:systemd|init|\(sd-.*|tini(?:-.*)?|dumb-init|s6-.*|runit(?:-init)?|runsvdir|catatonit|docker-init|podman-init|openrc-init|finit|procd)$/;

export function isInit(name: string): boolean {
  return INITS.test(name);
}

/**
 * Why a waiter may end although its run has ended before: in a container whose process 1 is a shell, for example, all processes end with that. A half
 * sentence; undefined where process 1 is an init, has not started this process, or is the machine's own.
 */
export function mortalInit(
  ancestry: Iterable<ProcessSnapshot>,
  isContainer = here().pidNamespace !== FIRST_NAMESPACE,
): string | undefined {
  if (!isContainer) return undefined;
  for (const { id, argv } of ancestry) {
    if (id.pid !== 1) continue;
    const name = readText('/proc/1/comm').trim();
    if (isInit(name)) return undefined;
    const words = argv.slice(0, 2).map(toDisplay).join(' ');
    return `unless pid 1 (\`${words}${argv.length > 2 ? ' ...' : ''}\`) ends first: this container ends with it, and the rerun is lost (\`again run\`, or \`again wait\` before that end, keeps it)`;
  }
  return undefined;
}
