import { Decoder, Encoder, type Value, type Variant } from './dbus-values.ts';

/** A method that is called (D-Bus Specification, "Message Protocol"). */
export interface MethodCall {
  /** The name that is called; left out on a connection that has one other end only. */
  readonly destination?: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  /** Of the arguments; empty where there are none. */
  readonly signature: string;
  readonly values: readonly Value[];
}

/** A message of the other end. */
export interface Message {
  readonly kind: 'call' | 'return' | 'error' | 'signal' | 'other';
  /** The call that is answered; 0 where it is no answer. */
  readonly replyTo: number;
  readonly member: string;
  /** The name of an error. */
  readonly errorName: string;
  readonly values: readonly Value[];
}

const METHOD_CALL = 1;
const KINDS = ['other', 'call', 'return', 'error', 'signal'] as const;

/** Numbers of the fields of a header. */
const PATH = 1;
const INTERFACE = 2;
const MEMBER = 3;
const ERROR_NAME = 4;
const REPLY_SERIAL = 5;
const DESTINATION = 6;
const SIGNATURE = 8;

const VERSION = 1;
/** The length of the part before the fields: byte order, kind, flags, version, length of the body, serial, length of the fields. */
const FIXED_LENGTH = 16;
/** A message of D-Bus may have 128 MiB; nothing that is asked here has more than some kilobytes. */
const MAX_LENGTH = 16 * 1024 * 1024;

/** @param serial from 1 on, another one for each message of a connection */
export function encodeCall(serial: number, call: MethodCall): Buffer {
  const body = new Encoder();
  body.write(call.signature, call.values);
  const fields: [number, Variant][] = [
    [PATH, { signature: 'o', value: call.path }],
    [INTERFACE, { signature: 's', value: call.interface }],
    [MEMBER, { signature: 's', value: call.member }],
  ];
  if (call.destination !== undefined) fields.push([DESTINATION, { signature: 's', value: call.destination }]);
  if (call.signature !== '') fields.push([SIGNATURE, { signature: 'g', value: call.signature }]);
  const header = new Encoder();
  header.write('yyyyuua(yv)', [
    'l'.charCodeAt(0),
    METHOD_CALL,
    0,
    VERSION,
    body.bytes.length,
    serial,
    fields,
  ]);
  header.align(8);
  return Buffer.concat([header.bytes, body.bytes]);
}

/** The length of the message that begins here, or undefined where too little of it has come. @throws {Error} where it is no message */
export function messageLength(bytes: Buffer): number | undefined {
  if (bytes.length < FIXED_LENGTH) return undefined;
  const little = isLittle(bytes);
  const read = (at: number) => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const length = Math.ceil((FIXED_LENGTH + read(12)) / 8) * 8 + read(4);
  if (length > MAX_LENGTH) throw new Error(`D-Bus: a message of ${length} bytes`);
  return length;
}

/** @param bytes one whole message @throws {Error} where it is none */
export function decodeMessage(bytes: Buffer): Message {
  const little = isLittle(bytes);
  const header = new Decoder(bytes, little).read('yyyyuua(yv)');
  const bodyLength = header[4] as number;
  const fields = new Map(header[6] as [number, Variant][]);
  const text = (field: number) => String(fields.get(field)?.value ?? '');
  return {
    kind: KINDS[header[1] as number] ?? 'other',
    replyTo: Number(fields.get(REPLY_SERIAL)?.value ?? 0),
    member: text(MEMBER),
    errorName: text(ERROR_NAME),
    values: new Decoder(bytes, little, bytes.length - bodyLength).read(text(SIGNATURE)),
  };
}

function isLittle(bytes: Buffer): boolean {
  const order = bytes[0];
  if (order === 'l'.charCodeAt(0)) return true;
  if (order === 'B'.charCodeAt(0)) return false;
  throw new Error('D-Bus: no message');
}
