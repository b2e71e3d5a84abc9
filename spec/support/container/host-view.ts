import {
  chmodSync,
  copyFileSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from './run.ts';

/** Of the machine's `/`, only these are seen in a container: what packages bring. */
const SHOWN = ['bin', 'boot', 'etc', 'lib', 'lib32', 'lib64', 'libx32', 'sbin', 'usr', 'var'];

/** The other folders of a system, empty, with their permissions. */
const SKELETON = {
  dev: 0o755,
  home: 0o755,
  mnt: 0o755,
  opt: 0o755,
  proc: 0o755,
  root: 0o700,
  run: 0o755,
  srv: 0o755,
  sys: 0o755,
  tmp: 0o1777,
} as const;

/**
 * Below the shown ones, these have only what packages put there: no state, no services of the machine's
 * choice, no gems.
 */
const FRESH = [
  '/etc/cron.d',
  '/etc/puppet',
  '/etc/puppetlabs',
  '/etc/systemd/system',
  '/usr/local',
  '/var/cache/puppet',
  '/var/lib/gems',
  '/var/lib/puppet',
  '/var/lib/puppetserver',
  '/var/lib/systemd',
  '/var/log',
  '/var/spool/cron',
  '/var/tmp',
];

/**
 * Prepares two layers above the machine's `/` that hide what a container must not see: work in progress,
 * other people's files, the state of the machine's own Puppet.
 *
 * @param hidden an empty folder, for the marks that say "not there". They are devices, because overlayfs says
 *   so.
 * @param upper an empty folder, for what is there instead. It is to lie above `hidden`: one layer can't have
 *   both.
 * @param more paths that are hidden, too.
 */
export async function hideMachine(hidden: string, upper: string, more: readonly string[]): Promise<void> {
  const strange = readdirSync('/')
    .filter((name) => !SHOWN.includes(name))
    .map((name) => `/${name}`);
  const existing = [...FRESH, ...more].filter((path) => lstatSync(path, { throwIfNoEntry: false }));
  for (const path of [...strange, ...existing]) {
    mirror(dirname(path), hidden);
    await run(['mknod', join(hidden, path), 'c', '0', '0']);
  }
  for (const [name, mode] of Object.entries(SKELETON)) {
    mkdirSync(join(upper, name));
    chmodSync(join(upper, name), mode); // whatever the umask
  }
  for (const path of await packaged(FRESH)) mirror(path, upper);
}

/** The folders and what is below them, as far as a package of the machine has it. */
async function packaged(folders: readonly string[]): Promise<string[]> {
  const below = `^(${folders.join('|')})(/|$)`;
  const lists = 'cat /var/lib/dpkg/info/*.list | grep -E "$1" | sort -u';
  const { stdout } = await run(['sh', '-c', lists, 'sh', below]);
  return stdout.split('\n').filter((path) => path && lstatSync(path, { throwIfNoEntry: false }));
}

/**
 * Makes a file, link or empty folder of the machine in a layer, with its parents, their owners and
 * permissions.
 */
function mirror(path: string, layer: string): void {
  const copy = join(layer, path);
  if (lstatSync(copy, { throwIfNoEntry: false })) return;
  if (path !== '/') mirror(dirname(path), layer);

  const what = lstatSync(path);
  if (what.isSymbolicLink()) symlinkSync(readlinkSync(path), copy);
  else if (what.isDirectory()) mkdirSync(copy);
  else copyFileSync(path, copy);
  lchownSync(copy, what.uid, what.gid);
  if (!what.isSymbolicLink()) chmodSync(copy, what.mode & 0o7777);
}
