// The byte vectors were written down from the D-Bus Specification ("Marshaling (Wire Format)", "Message Format"), by hand.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeMessage, encodeCall, messageLength } from '../../../src/systemd/dbus-message.ts';
import { Decoder, Encoder, splitSignature, type Value } from '../../../src/systemd/dbus-values.ts';
import { holds, timeout } from '../properties/runs.ts';

const bytesOf = (hex: string) => Buffer.from(hex.replace(/\s/g, ''), 'hex');

function encode(signature: string, values: readonly Value[]): Buffer {
  const encoder = new Encoder();
  encoder.write(signature, values);
  return encoder.bytes;
}

const decode = (signature: string, bytes: Buffer, little = true) =>
  new Decoder(bytes, little).read(signature);

describe('values as bytes', () => {
  test.each<[string, string, Value[], string]>([
    ['a byte', 'y', [0x2a], '2a'],
    ['a boolean', 'b', [true], '01000000'],
    ['16 bits, with and without a sign', 'nq', [-2, 65534], 'feff feff'],
    ['32 bits, with and without a sign', 'iu', [-2, 4294967294], 'feffffff feffffff'],
    ['64 bits', 'xt', [-2n, 2n ** 64n - 2n], 'feffffffffffffff feffffffffffffff'],
    ['a double', 'd', [1.5], '000000000000f83f'],
    ['a string, with its length and a zero', 's', ['foo'], '03000000 666f6f00'],
    ['a string beyond ASCII', 's', ['é'], '02000000 c3a900'],
    ['an object path', 'o', ['/a'], '02000000 2f6100'],
    ['a signature', 'g', ['a(sv)'], '05 612873762900'],
    ['what pads a number after a byte', 'yu', [1, 2], '01 000000 02000000'],
    ['an array of numbers', 'au', [[1, 2]], '08000000 01000000 02000000'],
    ['an empty array', 'as', [[]], '00000000'],
    ['an empty array, with what would pad its elements', 'at', [[]], '00000000 00000000'],
    [
      'an array of 64 bits: its length does not count the padding',
      'at',
      [[5n]],
      '08000000 00000000 0500000000000000',
    ],
    ['a structure', 'y(yu)', [1, [2, 3]], '01 00000000000000 02 000000 03000000'],
    ['a variant', 'v', [{ signature: 'u', value: 7 }], '01 7500 00 07000000'],
    [
      'a dictionary',
      'a{sv}',
      [[['a', { signature: 'b', value: true }]]],
      '10000000 00000000 01000000 6100 01 6200 000000 01000000',
    ],
    [
      'the properties of a scope',
      'a(sv)',
      [[['PIDs', { signature: 'au', value: [0] }]]],
      '18000000 00000000 04000000 5049447300 02 617500 000000 04000000 00000000',
    ],
  ])('%s', (_, signature, values, hex) => {
    const bytes = bytesOf(hex);
    expect(encode(signature, values).toString('hex')).toBe(bytes.toString('hex'));
    expect(decode(signature, bytes)).toEqual(values);
  });

  test.each<[string, string, string, Value[]]>([
    ['numbers', 'qut', '0102 0000 01020304 0102030405060708', [0x0102, 0x01020304, 0x0102030405060708n]],
    ['a string', 's', '00000003 666f6f00', ['foo']],
    ['an array', 'an', '00000004 fffe 0001', [[-2, 1]]],
  ])('in the other byte order: %s', (_, signature, hex, values) => {
    expect(decode(signature, bytesOf(hex), false)).toEqual(values);
  });

  test.each<[string, string, string]>([
    ['a number', 'u', '0000'],
    ['a string', 's', '05000000 666f6f00'],
    ['an array', 'au', '08000000 01000000'],
    ['an array of immense length', 'au', 'ffffffff 01000000'],
    ['an element beyond the end of its array', 'au', '06000000 01000000 0200'],
  ])('that are cut off are an error: %s', (_, signature, hex) => {
    expect(() => decode(signature, bytesOf(hex))).toThrow(/cut off/);
  });

  test('variants within variants without end are an error', () => {
    expect(() => decode('v', Buffer.from('017600'.repeat(100), 'hex'))).toThrow(/variants/);
  });

  test.each(['z', 'a', '(', '(s', '{sv', ')', 'a{sv', 'a'.repeat(100)])('%s is no signature', (signature) => {
    expect(() => splitSignature(signature)).toThrow(/not a D-Bus type/);
  });

  test('too many and too few values are an error', () => {
    expect(() => encode('ss', ['a'])).toThrow(/1 values/);
    expect(() => encode('s', ['a', 'b'])).toThrow(/2 values/);
    expect(() => encode('v', [{ signature: 'ss', value: 'a' }])).toThrow(/variant/);
  });
});

/** A type, and values of it. */
interface Typed {
  readonly signature: string;
  readonly values: fc.Arbitrary<Value>;
}

const text = fc
  .string({ unit: 'grapheme', maxLength: 20 })
  .filter((s) => !s.includes('\0') && s.isWellFormed());
const basic: Typed[] = [
  { signature: 'y', values: fc.nat(255) },
  { signature: 'b', values: fc.boolean() },
  { signature: 'n', values: fc.integer({ min: -32768, max: 32767 }) },
  { signature: 'q', values: fc.nat(65535) },
  { signature: 'i', values: fc.integer() },
  { signature: 'u', values: fc.nat().map((n) => n * 2 + 1) },
  { signature: 'x', values: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) },
  { signature: 't', values: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
  { signature: 'd', values: fc.double({ noNaN: true }) },
  { signature: 's', values: text },
  { signature: 'o', values: fc.constant('/org/freedesktop/systemd1') },
  { signature: 'g', values: fc.constantFrom('', 's', 'a{sv}') },
];

const { typed } = fc.letrec<{ typed: Typed }>((tie) => ({
  typed: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(...basic),
    tie('typed').map(({ signature, values }) => ({
      signature: `a${signature}`,
      values: fc.array(values, { maxLength: 4 }),
    })),
    fc.array(tie('typed'), { minLength: 1, maxLength: 4 }).map((members) => ({
      signature: `(${members.map(({ signature }) => signature).join('')})`,
      values: fc.tuple(...members.map(({ values }) => values)),
    })),
    fc.tuple(fc.constantFrom(...basic), tie('typed')).map(([key, member]) => ({
      signature: `a{${key.signature}${member.signature}}`,
      values: fc.array(fc.tuple(key.values, member.values), { maxLength: 4 }),
    })),
    tie('typed').map(({ signature, values }) => ({
      signature: 'v',
      values: values.map((value) => ({ signature, value })),
    })),
  ),
}));

const several = fc
  .array(typed, { maxLength: 5 })
  .chain((all) =>
    fc.record({
      signature: fc.constant(all.map(({ signature }) => signature).join('')),
      values: fc.tuple(...all.map(({ values }) => values)),
    }),
  )
  .filter(({ signature }) => signature.length < 256);

describe('values of all kinds', () => {
  test(
    'come back as they were',
    () => {
      holds(several, ({ signature, values }) => {
        expect(decode(signature, encode(signature, values))).toEqual(values);
      });
    },
    timeout,
  );

  test(
    'that are cut off anywhere are an error, or fewer bytes than that were needed',
    () => {
      holds(
        fc.tuple(several, fc.double({ min: 0, max: 1, noNaN: true })),
        ([{ signature, values }, part]) => {
          const bytes = encode(signature, values);
          try {
            decode(signature, bytes.subarray(0, Math.floor(bytes.length * part)));
          } catch (error) {
            expect(String(error)).toMatch(/cut off|no message|D-Bus|out of range|outside buffer/);
          }
        },
      );
    },
    timeout,
  );
});

describe('a message', () => {
  const call = {
    path: '/a',
    interface: 'b.c',
    member: 'D',
    signature: 'su',
    values: ['hi', 7],
  };

  test('that calls a method', () => {
    const bytes = encodeCall(3, call);
    const expected = [
      '6c 01 00 01 0c000000 03000000 38000000', // l, call, no flags, version 1, body of 12, serial 3, fields of 56
      '01 016f00 02000000 2f6100 0000000000', // path
      '02 017300 03000000 622e6300 00000000', // interface
      '03 017300 01000000 4400 000000000000', // member
      '08 016700 02 737500', // signature
      '02000000 686900 00 07000000',
    ];
    expect(bytes.toString('hex')).toBe(bytesOf(expected.join('')).toString('hex'));
    expect(messageLength(bytes)).toBe(bytes.length);
    expect(decodeMessage(bytes)).toMatchObject({ kind: 'call', replyTo: 0, member: 'D', values: ['hi', 7] });
  });

  test('of which too little has come has no length yet', () => {
    const bytes = encodeCall(3, call);
    expect(messageLength(bytes.subarray(0, 15))).toBeUndefined();
    expect(messageLength(bytes.subarray(0, 16))).toBe(bytes.length);
  });

  test('that is an error, in the other byte order', () => {
    const bytes = bytesOf(
      [
        '42 03 01 01 00000007 00000001 0000001f',
        '04 017300 00000005 612e4e6f5000 0000', // error name
        '05 017500 00000009', // reply to
        '08 016700 01 7300 00', // signature
        '00000002 6e6f00',
      ].join(''),
    );
    expect(messageLength(bytes)).toBe(bytes.length);
    expect(decodeMessage(bytes)).toEqual({
      kind: 'error',
      replyTo: 9,
      member: '',
      errorName: 'a.NoP',
      values: ['no'],
    });
  });

  test.each([
    ['of another kind', 'ff000000 00000000 00000000 00000000'],
    ['of immense length', '6c010001 ffffffff 01000000 00000000'],
  ])('%s is an error', (_, hex) => {
    expect(() => messageLength(bytesOf(hex))).toThrow(/D-Bus/);
  });
});
