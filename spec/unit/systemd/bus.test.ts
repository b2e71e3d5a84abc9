import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectBus } from '../../../src/systemd/bus.ts';
import { messageLength } from '../../../src/systemd/dbus-message.ts';
import { Encoder, type Value } from '../../../src/systemd/dbus-values.ts';
import { pathOfUnit } from '../../../src/systemd/service-manager.ts';

/** The reaction of the other end to each call that comes. */
type Answer = (socket: Socket, serial: number, count: number) => void;

const CALL = { path: '/a', interface: 'b.c', member: 'D', signature: 's', values: ['x'] };

/** A message of the other end. */
function message(
  kind: number,
  fields: [number, string, Value][],
  signature: string,
  values: Value[],
): Buffer {
  const body = new Encoder();
  body.write(signature, values);
  const header = new Encoder();
  header.write('yyyyuua(yv)', [
    'l'.charCodeAt(0),
    kind,
    1,
    1,
    body.bytes.length,
    77,
    [...fields, ...(signature ? [[8, 'g', signature] as [number, string, Value]] : [])].map(
      ([field, type, value]) => [field, { signature: type, value }],
    ),
  ]);
  header.align(8);
  return Buffer.concat([header.bytes, body.bytes]);
}

const returns = (serial: number, text: string) => message(2, [[5, 'u', serial]], 's', [text]);
const fails = (serial: number) =>
  message(
    3,
    [
      [5, 'u', serial],
      [4, 's', 'a.NoSuch'],
    ],
    's',
    ['there is none'],
  );
const signal = () =>
  message(
    4,
    [
      [1, 'o', '/a'],
      [2, 's', 'b.c'],
      [3, 's', 'JobNew'],
    ],
    'u',
    [1],
  );

describe('a connection', () => {
  let folder: string;
  let server: Server;
  let socket: string;
  const sockets = new Set<Socket>();

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'again-bus-'));
    socket = join(folder, 'private');
  });

  afterEach(async () => {
    for (const one of sockets) one.destroy();
    sockets.clear();
    if (server?.listening) await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });

  /** Lets everybody in, or says `greeting`. */
  async function serve(answer: Answer, greeting = 'OK 0123456789abcdef\r\n'): Promise<void> {
    server = createServer((client) => {
      sockets.add(client);
      let received = Buffer.alloc(0);
      let begun = false;
      let count = 0;
      client.on('error', () => {});
      client.on('data', (chunk) => {
        received = Buffer.concat([received, chunk]);
        if (!begun) {
          // All of it at once, and no call with it: see connectBus().
          const user = Buffer.from(String(process.geteuid?.())).toString('hex');
          expect(received.toString('latin1')).toBe(`\0AUTH EXTERNAL ${user}\r\nBEGIN\r\n`);
          begun = true;
          received = Buffer.alloc(0);
          client.write(greeting);
        }
        for (;;) {
          const length = messageLength(received);
          if (length === undefined || received.length < length) return;
          const serial = received.readUInt32LE(8);
          received = received.subarray(length);
          count += 1;
          answer(client, serial, count);
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(socket, resolve));
  }

  test('gives what a method returns, whatever signals come before', async () => {
    await serve((client, serial) =>
      client.write(Buffer.concat([signal(), returns(serial, 'yes'), signal()])),
    );
    const bus = await connectBus({ socket, daemon: false });
    expect(await bus.call(CALL)).toEqual(['yes']);
    bus.close();
  });

  test('takes answers in pieces of a byte, and large ones', async () => {
    const large = 'x'.repeat(300_000);
    await serve((client, serial, count) => {
      if (count === 2) client.write(returns(serial, large));
      else for (const byte of returns(serial, 'in pieces')) client.write(Buffer.from([byte]));
    });
    const bus = await connectBus({ socket, daemon: false });
    expect(await bus.call(CALL)).toEqual(['in pieces']);
    expect(await bus.call(CALL)).toEqual([large]);
    bus.close();
  });

  test('knows which answer belongs to which call', async () => {
    const serials: number[] = [];
    await serve((client, serial) => {
      serials.push(serial);
      if (serials.length < 3) return;
      const [first = 0, second = 0, third = 0] = serials;
      client.write(Buffer.concat([returns(third, 'c'), fails(second), returns(first, 'a')]));
    });
    const bus = await connectBus({ socket, daemon: false });
    const answers = await Promise.allSettled([bus.call(CALL), bus.call(CALL), bus.call(CALL)]);
    expect(answers).toEqual([
      { status: 'fulfilled', value: ['a'] },
      {
        status: 'rejected',
        reason: expect.objectContaining({ errorName: 'a.NoSuch', message: 'there is none' }),
      },
      { status: 'fulfilled', value: ['c'] },
    ]);
    bus.close();
  });

  test('greets a daemon of D-Bus first', async () => {
    let count = 0;
    await serve((client, serial) => {
      count += 1;
      client.write(returns(serial, ':1.17'));
    });
    const bus = await connectBus({ socket, daemon: true });
    expect(count).toBe(1);
    bus.close();
  });

  test.each<[string, Answer, RegExp, number?]>([
    ['that is closed', (client) => client.end(), /has ended/],
    ['that is cut off', (client, serial) => client.end(returns(serial, 'yes').subarray(0, 30)), /has ended/],
    ['that says rubbish', (client) => client.write(Buffer.alloc(32, 'x')), /D-Bus/],
    ['that says nothing', () => {}, /no answer in 0\.2 s/, 200],
  ])('%s fails every call that is under way, and each later one', async (_, answer, because, timeoutMs) => {
    await serve(answer);
    const bus = await connectBus({ socket, daemon: false, ...(timeoutMs && { timeoutMs }) });
    const calls = await Promise.allSettled([bus.call(CALL), bus.call(CALL)]);
    for (const one of calls) {
      expect(one).toMatchObject({ status: 'rejected', reason: { message: expect.stringMatching(because) } });
    }
    await expect(bus.call(CALL)).rejects.toThrow(because);
  });

  test('that lets this user not in', async () => {
    await serve(() => {}, 'REJECTED EXTERNAL\r\n');
    await expect(connectBus({ socket, daemon: false })).rejects.toThrow('not let in (REJECTED EXTERNAL)');
  });

  test('to a socket that is not there', async () => {
    await expect(connectBus({ socket, daemon: false })).rejects.toThrow(/ENOENT/);
  });
});

test.each([
  ['nightly.service', '/org/freedesktop/systemd1/unit/nightly_2eservice'],
  ['puppet-run@a\\x2db.service', '/org/freedesktop/systemd1/unit/puppet_2drun_40a_5cx2db_2eservice'],
  ['1st_.service', '/org/freedesktop/systemd1/unit/_31st_5f_2eservice'],
])('the object of %s', (unit, path) => {
  expect(pathOfUnit(unit)).toBe(path);
});
