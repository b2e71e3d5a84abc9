// An executable as the module ships it: packed, with the checksums by which a catalog names both.

import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { constants, crc32, deflateRawSync } from 'node:zlib';

/** Where the archive of an executable lies, and the checksums. */
export const archiveOf = (executable) => `${executable}.gz`;
export const sumsOf = (executable) => `${executable}.sums`;

/** All that Puppet's `checksum => 'sha256lite'` reads of a file. */
const lite = 512;

/**
 * Packs an executable. The same bytes give the same archive: no name, no time.
 *
 * The checksums are one line: that of the executable, and that of the first 512 bytes of the archive. Those bytes are the archive's header, and all that it says is
 * the former checksum (as a comment: RFC 1952): so they tell any two executables apart, and `deliver` can write them for an executable that it finds in place.
 */
export function pack(executable) {
  const content = readFileSync(executable);
  const sum = sha256(content);
  const archive = gzip(content, sum);
  replace(archiveOf(executable), archive);
  replace(sumsOf(executable), `${sum} ${sha256(archive.subarray(0, lite))}\n`);
}

export function sha256(content) {
  return createHash('sha256').update(content).digest('hex');
}

function gzip(content, comment) {
  const header = [0x1f, 0x8b, 8, 0x10, 0, 0, 0, 0, 2, 255]; // deflate, with a comment, no time, compressed best, no system
  const padded = comment.padEnd(lite - header.length - 1);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(content));
  trailer.writeUInt32LE(content.length % 2 ** 32, 4);
  const body = deflateRawSync(content, { level: constants.Z_BEST_COMPRESSION, memLevel: 9 });
  return Buffer.concat([Buffer.from(header), Buffer.from(`${padded}\0`), body, trailer]);
}

/** Puppet's file server may read it meanwhile. */
function replace(path, content) {
  const unfinished = path.replace(/([^/]*)$/, `.$1.${process.pid}`);
  writeFileSync(unfinished, content);
  renameSync(unfinished, path);
}
