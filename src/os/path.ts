import { posix } from 'node:path';

// `node:path` looks at each character of a path, in a loop that V8 interprets here (`V8_OPTIONS` in scripts/bundle.mjs). Paths that need nothing but to be put together or cut
// are handled without it; all others are node:path's. The gain, when it was measured, is in bench/notes.md. The results are the same: spec/unit/os/path.test.ts.

/** As `path.join`. */
export function join(folder: string, ...names: readonly string[]): string {
  const path = [folder, ...names].join('/');
  return folder !== '' && isPlain(path) ? path : posix.join(folder, ...names);
}

/** As `path.dirname`. */
export function dirname(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash > 0 && isPlain(path) ? path.slice(0, slash) : posix.dirname(path);
}

/** As `path.basename`. */
export function basename(path: string): string {
  return isPlain(path) ? path.slice(path.lastIndexOf('/') + 1) : posix.basename(path);
}

/** Whether a path has no empty part, and none that begins with a dot. */
function isPlain(path: string): boolean {
  return (
    path !== '' &&
    !path.startsWith('.') &&
    !path.includes('/.') &&
    !path.includes('//') &&
    !path.endsWith('/')
  );
}
