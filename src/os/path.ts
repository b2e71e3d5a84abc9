// Paths put together and taken apart as they stand. `node:path` looks at each of their characters, and so often that V8 compiles that
// anew, in threads, in the middle of a notification: a millisecond, and memory that a waiter keeps.

/** A path below a folder. */
export function join(folder: string, ...names: readonly string[]): string {
  return [folder, ...names].join('/');
}

/** The folder that a path lies in; that of `/` is `/`. */
export function dirname(path: string): string {
  const slash = path.lastIndexOf('/');
  if (slash < 0) return '.';
  return slash === 0 ? '/' : path.slice(0, slash);
}

/** The last name of a path. */
export function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
