import { statSync } from 'node:fs';
import { dirname } from '../../os/path.ts';
import { readText } from '../../os/read.ts';
import { SYSTEM_PATH } from '../../os/spawn.ts';
import { type Answer, HOLDS, type LookContext, no, PATIENCE_MS } from './answer.ts';
import { runProgram } from './program.ts';

/** Looks whether a path is there; a link counts where what it leads to is there. */
export async function lookAtPath(path: string, context: Pick<LookContext, 'signal'>): Promise<Answer> {
  if (isServed(path)) return lookFromOutside(path, context);
  try {
    return statSync(path, { throwIfNoEntry: false }) ? HOLDS : no(`${path} is not there`);
  } catch (error) {
    return no(`${path} cannot be looked at (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** A server that does not answer holds up whoever asks for a file of it, for ever: that is a process that can be ended. */
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

/** Whether a path lies on such a file system, by its name alone: nothing is asked that could hang. Links are not followed. */
export function isServed(path: string, mounts = readMounts()): boolean {
  let best = { at: '', type: '' };
  for (const line of mounts.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const at = unescaped(before.split(' ')[4] ?? '');
    const isAbove = at === '/' || path === at || path.startsWith(`${at}/`);
    // Of two at one place, the later one hides the earlier one.
    if (at !== '' && isAbove && at.length >= best.at.length) best = { at, type: after.split(' ')[0] ?? '' };
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
  if (isServed(path)) return undefined;
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
