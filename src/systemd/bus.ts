// The room systemd/ is what happens to a waiter at the end of its unit, how it leaves that, and how a unit is started again.

import { decodeMessage, encodeCall, type Message, type MethodCall, messageLength } from './dbus-message.ts';
import type { Value } from './dbus-values.ts';

/** A connection on which methods are called. */
export interface Bus {
  /**
   * Calls a method, and gives what it returns. Several calls may be under way at a time.
   *
   * @throws {BusError} where the other end says that it went wrong
   * @throws {Error} where there is no answer: the connection has ended, or the time limit is over
   */
  call(call: MethodCall): Promise<readonly Value[]>;
  close(): void;
}

/** The error that the other end answered in place of a result. */
export class BusError extends Error {
  /** Such as `org.freedesktop.systemd1.NoUnitForPID`. */
  readonly errorName: string;

  constructor(errorName: string, message: string) {
    super(message || errorName);
    this.errorName = errorName;
  }
}

export interface BusOptions {
  /** The path of its socket. */
  readonly socket: string;
  /** Whether a daemon of D-Bus is there, which passes messages on; it expects a greeting first. Else the socket is the service's own. */
  readonly daemon: boolean;
  /** Milliseconds that the greeting, and then each call, may take. Default 20000: systemd answers nothing while it reloads its units. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 20_000;

/**
 * Connects to a service that speaks D-Bus. Only what `again` needs of it: no descriptors are passed, and signals, and calls of the other end, are
 * left unanswered.
 *
 * @throws {Error} where there is no such socket, or this user may not use it
 */
export async function connectBus({ socket: path, daemon, timeoutMs = TIMEOUT_MS }: BusOptions): Promise<Bus> {
  const { createConnection } = await import('node:net');
  const socket = createConnection(path);
  const pending = new Map<number, (answer: Message | Error) => void>();
  let serial = 0;
  let received: Buffer = Buffer.alloc(0);
  let failure: Error | undefined;
  let greeted = (_: Error | undefined) => {};
  let isGreeted = false;

  const fail = (error: Error) => {
    failure ??= error;
    socket.destroy();
    greeted(failure);
    for (const answer of pending.values()) answer(failure);
    pending.clear();
  };
  const take = () => {
    if (!isGreeted) {
      const end = received.indexOf('\r\n');
      if (end < 0) return;
      const line = received.toString('latin1', 0, end);
      received = received.subarray(end + 2);
      if (!line.startsWith('OK ')) throw new Error(`this user is not let in (${line})`);
      isGreeted = true;
      greeted(undefined);
    }
    for (;;) {
      const length = messageLength(received);
      if (length === undefined || received.length < length) return;
      const message = decodeMessage(received.subarray(0, length));
      received = received.subarray(length);
      if (message.kind !== 'return' && message.kind !== 'error') continue;
      pending.get(message.replyTo)?.(message);
      pending.delete(message.replyTo);
    }
  };
  socket.on('data', (chunk: Buffer) => {
    try {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      take();
    } catch (error) {
      fail(error as Error);
    }
  });
  socket.on('error', fail);
  socket.on('close', () => fail(new Error(`${path}: the connection has ended`)));

  const limited = async <Result>(work: Promise<Result>): Promise<Result> => {
    const timer = setTimeout(() => fail(new Error(`${path}: no answer in ${timeoutMs / 1000} s`)), timeoutMs);
    socket.ref();
    try {
      return await work;
    } finally {
      clearTimeout(timer);
      if (pending.size === 0) socket.unref(); // a connection without a call keeps no process alive
    }
  };
  const call = async (method: MethodCall): Promise<readonly Value[]> => {
    if (failure) throw failure;
    serial += 1;
    const mine = serial;
    const bytes = encodeCall(mine, method);
    const answered = new Promise<Message | Error>((resolve) => pending.set(mine, resolve));
    socket.write(bytes);
    const answer = await limited(answered);
    if (answer instanceof Error) throw answer;
    if (answer.kind === 'error') throw new BusError(answer.errorName, String(answer.values[0] ?? ''));
    return answer.values;
  };

  // EXTERNAL: the kernel tells the other end who this is (D-Bus Specification, "Authentication Protocol"). BEGIN is written with it, as systemd's
  // own clients do: a call that systemd finds behind it in one reading stays unseen until more comes.
  const user = Buffer.from(String(process.geteuid?.() ?? 0)).toString('hex');
  socket.write(`\0AUTH EXTERNAL ${user}\r\nBEGIN\r\n`);
  const refused = await limited(
    new Promise<Error | undefined>((resolve) => {
      greeted = resolve;
      if (failure) resolve(failure);
    }),
  );
  if (refused) throw refused;
  const bus: Bus = { call, close: () => socket.destroy() };
  if (daemon) await bus.call(HELLO);
  return bus;
}

const HELLO: MethodCall = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
  member: 'Hello',
  signature: '',
  values: [],
};
