// Which glibc an executable needs: the highest version of those of its symbols, by the section SHT_GNU_verneed (Linux Standard Base, "Symbol Versioning").

import { closeSync, openSync, readSync } from 'node:fs';

/** The oldest glibc that the executables may need: that of Debian 10, EL 8 and Ubuntu 20.04. README.md and files/again/deliver name it. */
export const OLDEST_GLIBC = '2.28';

const SHT_GNU_VERNEED = 0x6ffffffe;

/**
 * The oldest glibc with which a 64-bit little-endian ELF file starts, as `2.28`; undefined for one that needs none.
 *
 * @param {string} path
 */
export function neededGlibc(path) {
  const file = openSync(path, 'r');
  try {
    const read = (offset, length) => {
      const bytes = Buffer.alloc(length);
      readSync(file, bytes, 0, length, offset);
      return bytes;
    };
    return newest(versionsNeeded(read).flatMap((name) => /^GLIBC_(\d[\d.]*)$/.exec(name)?.[1] ?? []));
  } finally {
    closeSync(file);
  }
}

/** Whether one version of glibc is newer than another. */
export function isNewer(one, other) {
  return one.localeCompare(other, 'en', { numeric: true }) > 0;
}

function newest(versions) {
  return versions.reduce(
    (found, one) => (found === undefined || isNewer(one, found) ? one : found),
    undefined,
  );
}

function versionsNeeded(read) {
  const header = read(0, 64);
  if (header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header[5] !== 1) {
    throw new Error('not a 64-bit little-endian ELF file');
  }
  const [at, size, count] = [
    Number(header.readBigUInt64LE(40)),
    header.readUInt16LE(58),
    header.readUInt16LE(60),
  ];
  const sections = Array.from({ length: count }, (_, index) => {
    const entry = read(at + index * size, size);
    return {
      type: entry.readUInt32LE(4),
      offset: Number(entry.readBigUInt64LE(24)),
      size: Number(entry.readBigUInt64LE(32)),
      link: entry.readUInt32LE(40),
    };
  });
  const needed = sections.find(({ type }) => type === SHT_GNU_VERNEED);
  if (!needed) return [];
  const strings = sections[needed.link];
  const names = read(strings.offset, strings.size);
  return namesIn(read(needed.offset, needed.size), names);
}

/** A list of files (Elf64_Verneed), each with a list of versions (Elf64_Vernaux). */
function namesIn(table, names) {
  const found = [];
  for (let file = 0, more = true; more; ) {
    let version = file + table.readUInt32LE(file + 8);
    for (let left = table.readUInt16LE(file + 2); left > 0; left -= 1) {
      const begin = table.readUInt32LE(version + 8);
      found.push(names.toString('latin1', begin, names.indexOf(0, begin)));
      version += table.readUInt32LE(version + 12);
    }
    const next = table.readUInt32LE(file + 12);
    more = next !== 0;
    file += next;
  }
  return found;
}
