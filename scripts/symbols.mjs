// Blanks the symbols of an ELF file (64 bits, little-endian), for CPUs that no `strip` of this machine knows: the file keeps its size,
// and what is shipped, its archive, loses them.

import { readFileSync, writeFileSync } from 'node:fs';

const SYMBOL_TABLE = 2; // SHT_SYMTAB: not the one that the loader needs (SHT_DYNSYM)

export function blankSymbols(path) {
  const file = readFileSync(path);
  const sections = readSections(file);
  for (const table of sections.filter(({ type }) => type === SYMBOL_TABLE)) {
    for (const { offset, size } of [table, sections[table.link]]) {
      file.fill(0, offset, offset + size);
    }
  }
  writeFileSync(path, file);
}

function readSections(file) {
  const table = Number(file.readBigUInt64LE(0x28)); // e_shoff
  const size = file.readUInt16LE(0x3a); // e_shentsize
  const count = file.readUInt16LE(0x3c); // e_shnum
  return Array.from({ length: count }, (_, index) => {
    const at = table + index * size;
    return {
      type: file.readUInt32LE(at + 4),
      offset: Number(file.readBigUInt64LE(at + 0x18)),
      size: Number(file.readBigUInt64LE(at + 0x20)),
      link: file.readUInt32LE(at + 0x28), // the strings of a symbol table
    };
  });
}
