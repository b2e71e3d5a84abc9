import { lstatSync, readlinkSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';

/** As many as the kernel follows. */
const MAX_LINKS = 40;

/**
 * The place at which this process finds a path of another root file system. Absolute links are followed from
 * that root: the kernel would follow them from this process's own, so that writing to the container's
 * `/var/run/x` would hit the machine's `/run/x`. Missing parts are taken as they are.
 *
 * @param root the other root, for example `/proc/PID/root`.
 * @throws Error (ELOOP) for too many links.
 */
export function inside(root: string, path: string): string {
  let pending = normalize(`/${path}`).split(sep).filter(Boolean);
  let done = '/';
  let links = 0;
  for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
    const next = join(done, part);
    const target = linkTarget(join(root, next));
    if (target === undefined) {
      done = next;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw new Error(`ELOOP: too many symbolic links: ${path}`);
    const whole = target.startsWith(sep) ? target : join(dirname(next), target);
    pending = [...normalize(whole).split(sep).filter(Boolean), ...pending];
    done = '/';
  }
  return join(root, done);
}

function linkTarget(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined;
}
