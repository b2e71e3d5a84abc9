import { getRawAsset, isSea } from 'node:sea';

/** Prints them. */
export function printLicenses(): void {
  process.stdout.write(licenses());
}

/** The licences of all that this executable holds; the build puts them in (scripts/licenses.mjs). */
function licenses(): string {
  if (!isSea()) return 'This is not the built executable: see LICENSE, and those of node_modules.\n';
  return Buffer.from(getRawAsset('licenses.txt')).toString();
}
