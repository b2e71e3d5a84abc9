import { readlinkSync, statSync } from 'node:fs';
import { dirname, join } from '../../os/path.ts';
import { readText } from '../../os/read.ts';
import { SYSTEM_PATH } from '../../os/spawn.ts';
import { type Answer, HOLDS, type LookContext, no, PATIENCE_MS } from './answer.ts';
import { runProgram } from './program.ts';

/** Looks whether a path is there; a link counts where its target is there. */
export async function lookAtPath(path: string, context: Pick<LookContext, 'signal'>): Promise<Answer> {
  if (leadsToServed(path)) return lookFromOutside(path, context);
  try {
    return statSync(path, { throwIfNoEntry: false }) ? HOLDS : no(`${path} is not there`);
  } catch (error) {
    return no(`${path} cannot be looked at (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** A server that does not answer holds up, for ever, a process that asks for a file of it: so a process asks that can be ended. */
async function lookFromOutside(path: string, { signal }: Pick<LookContext, 'signal'>): Promise<Answer> {
  const end = await runProgram(['test', '-e', path], {
    environment: { PATH: SYSTEM_PATH },
    directory: '/',
    limitMs: PATIENCE_MS,
    signal,
  });
  if (end.kind === 'exited') return end.code === 0 ? HOLDS : no(`${path} is not there`);
  return no(`${path}: its file system does not answer`);
}

/** File systems that another machine or a program serves (the fourth field from the end of a line of /proc/self/mountinfo; proc_pid_mountinfo(5)). */
const SERVED =
  /^(nfs4?|cifs|smb3|smbfs|ceph|glusterfs|9p|afs|lustre|beegfs|gpfs|gfs2|ocfs2|autofs|fuse|fuseblk|fuse\..*)$/;

/** Links on the way to one path, at most (path_resolution(7)). */
const MOST_LINKS = 40;

/** Whether the way to a path leads over such a file system, by its links too. Such a one is not asked for anything: it could hang. */
export function leadsToServed(path: string, mountinfo = readMounts()): boolean {
  const mounts = parseMounts(mountinfo);
  const left = path.split('/');
  let at = '/';
  for (let links = 0; left.length > 0 && !isServed(at, mounts); ) {
    const name = left.shift() as string;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      at = dirname(at);
      continue;
    }
    const next = join(at, name);
    const target = isServed(next, mounts) ? undefined : linkTarget(next);
    if (target === undefined) {
      at = next;
      continue;
    }
    links += 1;
    if (links > MOST_LINKS) return false;
    if (target.startsWith('/')) at = '/';
    left.unshift(...target.split('/'));
  }
  return isServed(at, mounts);
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // no link, or not there
  }
}

interface Mount {
  readonly at: string;
  readonly type: string;
}

/** In their order: of two at one place, the later one hides the earlier one. */
function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const at = unescaped(before.split(' ')[4] ?? '');
    return at === '' ? [] : [{ at, type: after.split(' ')[0] ?? '' }];
  });
}

/** Whether a path lies on such a file system, by its name alone. */
function isServed(path: string, mounts: readonly Mount[]): boolean {
  let best = { at: '', type: '' };
  for (const mount of mounts) {
    const isAbove = mount.at === '/' || path === mount.at || path.startsWith(`${mount.at}/`);
    if (isAbove && mount.at.length >= best.at.length) best = mount;
  }
  return SERVED.test(best.type);
}

function readMounts(): string {
  try {
    return readText('/proc/self/mountinfo');
  } catch {
    return '';
  }
}

function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** The nearest folder above a path that is there, and which name in it leads to the path. */
export interface Nearest {
  readonly folder: string;
  readonly name: string;
  /** Tells it from another folder that comes to its place. */
  readonly id: string;
}

/** `there` where the path itself is there; undefined where nothing above it can be watched. */
export function nearestFolder(path: string): Nearest | 'there' | undefined {
  if (leadsToServed(path)) return undefined;
  // With a slash at its end, a path that leads to a file is not there.
  const clean = path.replace(/\/+/g, '/').replace(/(.)\/$/, '$1');
  try {
    if (statSync(path, { throwIfNoEntry: false })) return 'there';
    for (let below = clean; below !== '/'; ) {
      const folder = dirname(below);
      const stat = statSync(folder, { throwIfNoEntry: false });
      if (stat?.isDirectory())
        return { folder, name: below.slice(folder.length).replace('/', ''), id: `${stat.dev}:${stat.ino}` };
      below = folder;
    }
  } catch {
    // It may not be looked at: the next look says so.
  }
  return undefined;
}
