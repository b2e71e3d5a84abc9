import { describe, expect, test } from 'vitest';
import {
  type Bytes,
  fromBuffer,
  fromText,
  splitAtNul,
  toBuffer,
  toDisplay,
  toText,
} from '../../../src/os/bytes.ts';

describe('text as the kernel has it', () => {
  test.each([
    ['plain ASCII', 'puppet'],
    ['accents', 'Überprüfung'],
    ['characters beyond the basic plane', 'a 🤖 b'],
    ['an empty string', ''],
    ['a byte order mark at its start', '\ufeffx'],
    ['newlines and tabs', 'a\n\tb'],
  ])('%s comes back as it went in', (_, text) => {
    expect(toText(fromText(text))).toBe(text);
  });

  test.each([
    ['a lone continuation byte', [0x80]],
    ['Latin-1', [0x63, 0x61, 0x66, 0xe9]],
    ['a sequence that is cut off', [0xe2, 0x82]],
    ['an overlong NUL', [0xc0, 0x80]],
    ['half a surrogate pair', [0xed, 0xa0, 0x80]],
  ])('%s is no text, and keeps its bytes', (_, bytes) => {
    const buffer = Buffer.from(bytes);
    expect(toText(fromBuffer(buffer))).toBeUndefined();
    expect(toBuffer(fromBuffer(buffer))).toEqual(buffer);
  });

  test.each([
    ['undecodable bytes', 'caf\xe9', 'caf\ufffd'],
    ['a newline', 'a\nb', 'a\\x0ab'],
    ['an escape sequence', '\x1b[31m', '\\x1b[31m'],
    ['DEL', '\x7f', '\\x7f'],
    ['a C1 control character', '\xc2\x9b', '\\x9b'],
    ['UTF-8', '\xc3\xa9', 'é'],
  ])('people see %s without harm to their terminal', (_, bytes, shown) => {
    expect(toDisplay(bytes as Bytes)).toBe(shown);
  });
});

describe('lists of the kernel', () => {
  test.each([
    ['nothing', '', []],
    ['one item', 'a\0', ['a']],
    ['an empty item', '\0', ['']],
    ['empty items between and at the end', 'a\0\0b\0\0', ['a', '', 'b', '']],
    ['a last item without its NUL (a title that fills the arguments)', 'a\0b', ['a', 'b']],
    ['equals signs, spaces and newlines', 'A=b=c\0x y\nz\0', ['A=b=c', 'x y\nz']],
  ])('%s', (_, list, items) => {
    expect(splitAtNul(list as Bytes)).toEqual(items);
  });
});
