// The room os/ is the operating system (processes, limits and signals by /proc, clocks, bytes, files, the journal), and holds what every other room needs.

/**
 * Text as the kernel has it: arguments, environments and paths are bytes that need not be UTF-8.
 * A `Bytes` holds one byte per character (latin1), so that comparing with ASCII, slicing and JSON work
 * and nothing is lost on the way.
 */
export type Bytes = string & { readonly __bytes: unique symbol };

export function fromBuffer(buffer: Buffer): Bytes {
  return buffer.toString('latin1') as Bytes;
}

export function toBuffer(bytes: Bytes): Buffer {
  return Buffer.from(bytes, 'latin1');
}

/** The bytes of ordinary text, in UTF-8. */
export function fromText(text: string): Bytes {
  return fromBuffer(Buffer.from(text, 'utf8'));
}

/** The text that these bytes are in UTF-8, or undefined where they are not UTF-8. */
export function toText(bytes: Bytes): string | undefined {
  const buffer = toBuffer(bytes);
  const text = buffer.toString('utf8');
  return Buffer.from(text, 'utf8').equals(buffer) ? text : undefined;
}

/** For people: undecodable bytes become U+FFFD and control characters are shown as escapes. */
export function toDisplay(bytes: Bytes): string {
  return (
    toBuffer(bytes)
      .toString('utf8')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal
      .replace(/[\u0000-\u001f\u007f-\u009f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
  );
}

/** Splits a kernel list (`cmdline`, `environ`) of which every item ends with a NUL. */
export function splitAtNul(list: Bytes): Bytes[] {
  if (list === '') return [];
  const body = list.endsWith('\0') ? list.slice(0, -1) : list;
  return body.split('\0') as Bytes[];
}
