import { statfsSync } from 'node:fs';

/** TMPFS_MAGIC and RAMFS_MAGIC of statfs(2). */
const IN_MEMORY = [0x01021994, 0x858458f6];

/** Where this user may have a file in memory: each of these can be a plain folder all the same. */
export function memoryPlaces(): string[] {
  const user = process.getuid?.() ?? 0;
  return ['/dev/shm', user === 0 ? '/run' : `/run/user/${user}`];
}

/** Whether a folder lies in memory, and not on a disk. One that is not there does not. */
export function isInMemory(folder: string): boolean {
  try {
    return IN_MEMORY.includes(statfsSync(folder).type);
  } catch {
    return false;
  }
}
