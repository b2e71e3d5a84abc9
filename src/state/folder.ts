import { chmodSync, lstatSync, mkdirSync, type Stats } from 'node:fs';
import { dirname, join } from '../os/path.ts';
import { readBytes } from '../os/read.ts';
import { Refusal } from '../os/refusal.ts';

/** Opens the state folder of this user, making what is missing, and refuses one that another user could tamper with. */
export function openStateFolder(home: string): string {
  const folder = join(home, 'state');
  refuseForeignWriters(home);
  try {
    ensurePrivate(folder);
    for (const name of ['commands', 'logs', 'history']) ensurePrivate(join(folder, name), closeToOthers);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(`the state folder ${folder} cannot be used: ${(error as Error).message}`);
  }
  return folder;
}

function ensurePrivate(path: string, open = refuseOpen): void {
  const stat = lstatSync(path, { throwIfNoEntry: false }) ?? made(path);
  if (!stat.isDirectory()) throw new Refusal(`${path} is not a folder: remove it`);
  if (stat.uid !== process.getuid?.())
    throw new Refusal(`${path} belongs to user ${stat.uid}, not to user ${process.getuid?.()}: remove it`);
  if ((stat.mode & 0o077) !== 0) open(path, stat);
}

function refuseOpen(path: string, stat: Stats): void {
  throw new Refusal(`${path} is open to other users (mode ${octal(stat)}): chmod 0700 it`);
}

/** No other user has reached it, since the folder above is closed: the cause is a `chmod -R`, or a backup that was restored. */
function closeToOthers(path: string): void {
  chmodSync(path, 0o700);
}

function made(path: string): Stats {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another notification has made it just now.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return lstatSync(path);
}

/**
 * Makes sure that only root (and the account `puppet`, see docs/SECURITY.md) and this user can change or exchange a file or folder.
 *
 * @throws {Refusal} naming the first one on the way to `/` that another user can write
 */
export function refuseForeignWriters(path: string): void {
  for (let at = path; ; at = dirname(at)) {
    const stat = lstatSync(at);
    if (stat.isSymbolicLink()) throw new Refusal(`${at} is a link, and a link in this path is not followed`);
    const writer = foreignWriter(stat);
    if (writer)
      throw new Refusal(
        `${at} can be changed by ${writer} (mode ${octal(stat)}): only root and the user of the run may change it`,
      );
    if (at === dirname(at)) return;
  }
}

function foreignWriter(stat: Stats): string | undefined {
  const user = process.getuid?.() ?? 0;
  const trustedUsers = [0, user];
  const trustedGroups = user === 0 ? [0] : [0, process.getgid?.() ?? 0];
  if (!trustedUsers.includes(stat.uid) && stat.uid !== puppetAccount().user) return `user ${stat.uid}`;
  // With the sticky bit (/tmp) others can add entries, but not rename or remove those of another user: unlink(2).
  const sticky = (stat.mode & 0o1000) !== 0;
  if ((stat.mode & 0o002) !== 0 && !sticky) return 'every user';
  if (
    (stat.mode & 0o020) !== 0 &&
    !sticky &&
    !trustedGroups.includes(stat.gid) &&
    stat.gid !== puppetAccount().group
  ) {
    return `group ${stat.gid}`;
  }
  return undefined;
}

/** Debian's packages give /var/lib/puppet to the account `puppet`. Looked up only where a folder is not root's or one's own. */
function puppetAccount(): { user: number | undefined; group: number | undefined } {
  try {
    const line = /^puppet:[^:]*:(\d+):(\d+):/m.exec(readBytes('/etc/passwd'));
    return { user: line?.[1] ? Number(line[1]) : undefined, group: line?.[2] ? Number(line[2]) : undefined };
  } catch {
    return { user: undefined, group: undefined };
  }
}

function octal(stat: Stats): string {
  return (stat.mode & 0o7777).toString(8).padStart(4, '0');
}
