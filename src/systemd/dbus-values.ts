// The values of D-Bus as bytes (D-Bus Specification, "Marshaling (Wire Format)"): each lies at a multiple of its alignment, counted from the
// beginning of the message.

/**
 * A value of D-Bus: `y n q i u h d` as number, `x t` as bigint, `b` as boolean, `s o g` as string, arrays, structures and entries of a
 * dictionary as arrays of their members, `v` as {@link Variant}.
 */
export type Value = number | bigint | boolean | string | Variant | readonly Value[];

export interface Variant {
  /** One complete type. */
  readonly signature: string;
  readonly value: Value;
}

const ALIGNMENT: Readonly<Record<string, number>> = {
  y: 1,
  b: 4,
  n: 2,
  q: 2,
  i: 4,
  u: 4,
  h: 4,
  x: 8,
  t: 8,
  d: 8,
  s: 4,
  o: 4,
  g: 1,
  v: 1,
  a: 4,
  '(': 8,
  '{': 8,
};

/** The specification allows 32 arrays within 32 structures. */
const MAX_DEPTH = 64;

/** Splits a signature into its complete types. @throws {Error} where it is none */
export function splitSignature(signature: string): string[] {
  const types: string[] = [];
  for (let at = 0; at < signature.length; ) {
    const end = endOfType(signature, at, 0);
    types.push(signature.slice(at, end));
    at = end;
  }
  return types;
}

function endOfType(signature: string, at: number, depth: number): number {
  const code = signature[at] ?? '';
  if (depth > MAX_DEPTH || ALIGNMENT[code] === undefined) throw new Error(`not a D-Bus type: ${signature}`);
  if (code === 'a') return endOfType(signature, at + 1, depth + 1);
  if (code !== '(' && code !== '{') return at + 1;
  const close = code === '(' ? ')' : '}';
  let end = at + 1;
  while (signature[end] !== close) end = endOfType(signature, end, depth + 1);
  return end + 1;
}

function alignmentOf(type: string): number {
  return ALIGNMENT[type[0] ?? ''] ?? 1;
}

/** Writes values, in the byte order of x86 and most of ARM (`l`). */
export class Encoder {
  #bytes = Buffer.alloc(512);
  #length = 0;

  /** All that was written. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  align(alignment: number): void {
    this.#grow((alignment - (this.#length % alignment)) % alignment);
  }

  /** @throws {Error} where a value is not of its type */
  write(signature: string, values: readonly Value[]): void {
    const types = splitSignature(signature);
    if (types.length !== values.length)
      throw new Error(`${values.length} values for the signature ${signature}`);
    types.forEach((type, at) => {
      this.#one(type, values[at] as Value);
    });
  }

  #one(type: string, value: Value): void {
    this.align(alignmentOf(type));
    switch (type[0]) {
      case 'y':
        this.#reserve(1).writeUInt8(Number(value), this.#length - 1);
        return;
      case 'b':
        this.#reserve(4).writeUInt32LE(value === true ? 1 : 0, this.#length - 4);
        return;
      case 'n':
        this.#reserve(2).writeInt16LE(Number(value), this.#length - 2);
        return;
      case 'q':
        this.#reserve(2).writeUInt16LE(Number(value), this.#length - 2);
        return;
      case 'i':
        this.#reserve(4).writeInt32LE(Number(value), this.#length - 4);
        return;
      case 'u':
      case 'h':
        this.#reserve(4).writeUInt32LE(Number(value), this.#length - 4);
        return;
      case 'x':
        this.#reserve(8).writeBigInt64LE(BigInt(value as bigint), this.#length - 8);
        return;
      case 't':
        this.#reserve(8).writeBigUInt64LE(BigInt(value as bigint), this.#length - 8);
        return;
      case 'd':
        this.#reserve(8).writeDoubleLE(Number(value), this.#length - 8);
        return;
      case 's':
      case 'o':
        this.#text(String(value), 4);
        return;
      case 'g':
        this.#text(String(value), 1);
        return;
      case 'v': {
        const { signature, value: inner } = value as Variant;
        if (splitSignature(signature).length !== 1)
          throw new Error(`a variant of the signature ${signature}`);
        this.#text(signature, 1);
        this.#one(signature, inner);
        return;
      }
      case 'a':
        this.#array(type.slice(1), value as readonly Value[]);
        return;
      default:
        this.write(type.slice(1, -1), value as readonly Value[]);
    }
  }

  #text(text: string, lengthBytes: 1 | 4): void {
    const length = Buffer.byteLength(text);
    if (lengthBytes === 1) this.#reserve(1).writeUInt8(length, this.#length - 1);
    else this.#reserve(4).writeUInt32LE(length, this.#length - 4);
    const at = this.#grow(length + 1);
    this.#bytes.write(text, at);
  }

  /** The length of an array does not count what pads its first element. */
  #array(element: string, values: readonly Value[]): void {
    const lengthAt = this.#grow(4);
    this.align(alignmentOf(element));
    const begin = this.#length;
    for (const value of values) this.#one(element, value);
    this.#bytes.writeUInt32LE(this.#length - begin, lengthAt);
  }

  /** Adds so many zeros, and returns what they lie in. */
  #reserve(count: number): Buffer {
    this.#grow(count);
    return this.#bytes;
  }

  /** Adds so many zeros, and returns where they begin. */
  #grow(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.alloc(2 * this.#length);
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    return at;
  }
}

/** Reads values. */
export class Decoder {
  readonly #bytes: Buffer;
  readonly #little: boolean;
  #at: number;

  /**
   * @param bytes a message, from its first byte on
   * @param little whether its first byte is `l`, not `B`
   * @param at where to begin
   */
  constructor(bytes: Buffer, little: boolean, at = 0) {
    this.#bytes = bytes;
    this.#little = little;
    this.#at = at;
  }

  /** @throws {Error} where the bytes are not of these types */
  read(signature: string): Value[] {
    return splitSignature(signature).map((type) => this.#one(type, 0));
  }

  #one(type: string, depth: number): Value {
    if (depth > MAX_DEPTH) throw new Error('D-Bus: too many variants within variants');
    this.#align(alignmentOf(type));
    const bytes = this.#bytes;
    switch (type[0]) {
      case 'y':
        return bytes.readUInt8(this.#skip(1));
      case 'b':
        return this.#unsigned() !== 0;
      case 'n':
        return this.#little ? bytes.readInt16LE(this.#skip(2)) : bytes.readInt16BE(this.#skip(2));
      case 'q':
        return this.#little ? bytes.readUInt16LE(this.#skip(2)) : bytes.readUInt16BE(this.#skip(2));
      case 'i':
        return this.#little ? bytes.readInt32LE(this.#skip(4)) : bytes.readInt32BE(this.#skip(4));
      case 'u':
      case 'h':
        return this.#unsigned();
      case 'x':
        return this.#little ? bytes.readBigInt64LE(this.#skip(8)) : bytes.readBigInt64BE(this.#skip(8));
      case 't':
        return this.#little ? bytes.readBigUInt64LE(this.#skip(8)) : bytes.readBigUInt64BE(this.#skip(8));
      case 'd':
        return this.#little ? bytes.readDoubleLE(this.#skip(8)) : bytes.readDoubleBE(this.#skip(8));
      case 's':
      case 'o':
        return this.#text(this.#unsigned());
      case 'g':
        return this.#text(bytes.readUInt8(this.#skip(1)));
      case 'v': {
        const signature = this.#text(bytes.readUInt8(this.#skip(1)));
        if (splitSignature(signature).length !== 1)
          throw new Error(`a variant of the signature ${signature}`);
        return { signature, value: this.#one(signature, depth + 1) };
      }
      case 'a': {
        const length = this.#unsigned();
        const element = type.slice(1);
        this.#align(alignmentOf(element));
        const end = this.#at + length;
        if (end > bytes.length) throw new Error('D-Bus: an array that is cut off');
        const values: Value[] = [];
        while (this.#at < end) values.push(this.#one(element, depth + 1));
        return values;
      }
      default:
        return splitSignature(type.slice(1, -1)).map((member) => this.#one(member, depth + 1));
    }
  }

  #unsigned(): number {
    const at = this.#skip(4);
    return this.#little ? this.#bytes.readUInt32LE(at) : this.#bytes.readUInt32BE(at);
  }

  #text(length: number): string {
    const at = this.#skip(length + 1);
    return this.#bytes.toString('utf8', at, at + length);
  }

  #align(alignment: number): void {
    this.#skip((alignment - (this.#at % alignment)) % alignment);
  }

  /** Passes over so many bytes, and returns where they begin. */
  #skip(count: number): number {
    const at = this.#at;
    this.#at += count;
    if (this.#at > this.#bytes.length) throw new Error('D-Bus: a message that is cut off');
    return at;
  }
}
