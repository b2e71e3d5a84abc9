import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { isItsOwnEnd, lookAtEndpoint } from '../../../../src/wait/condition/endpoint.ts';

const signal = new AbortController().signal;
const look = (endpoint: string, patienceMs?: number) =>
  lookAtEndpoint(endpoint, { environment: { PATH: '/nonexistent' }, signal }, patienceMs);

/** A server on the loopback address, and its port. */
async function listen(
  host: string,
  connected: () => void = () => {},
): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    connected();
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve, reject) => server.on('error', reject).listen(0, host, resolve));
  onTestFinished(() => void server.close());
  return { server, port: (server.address() as { port: number }).port };
}

/** A server that is stopped as soon as it listens. */
async function startDeafServer(): Promise<{ child: ChildProcess; port: number }> {
  const program = `const s = require('node:net').createServer();
    s.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(s.address().port));`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout as NodeJS.ReadableStream, 'data');
  child.kill('SIGSTOP');
  return { child, port: Number(String(line)) };
}

const sockets = () => readdirSync('/proc/self/fd').length;

describe('an endpoint', () => {
  test('that listens answers, by its address and by its name, and keeps no connection', async () => {
    let closed = 0;
    const { server, port } = await listen('127.0.0.1');
    server.on('connection', (socket) => {
      socket.resume();
      socket.on('close', () => {
        closed += 1;
      });
    });
    expect(await look(`127.0.0.1:${port}`)).toEqual({ holds: true });
    // Of the addresses of `localhost`, one answers.
    expect(await look(`localhost:${port}`)).toEqual({ holds: true });
    await expect.poll(() => closed).toBe(2);
  });

  test('where nobody listens', async () => {
    const { server, port } = await listen('127.0.0.1');
    await new Promise((resolve) => server.close(resolve));
    const answer = { holds: false, because: `127.0.0.1:${port}: connection refused` };
    expect(await look(`127.0.0.1:${port}`)).toEqual(answer);
  });

  test('where nobody listens, and a connection leads to itself, does not answer', async () => {
    const { server, port } = await listen('127.0.0.1');
    const other = connect(port, '127.0.0.1');
    await once(other, 'connect');
    expect(isItsOwnEnd(other)).toBe(false);
    other.destroy();
    await new Promise((resolve) => server.close(resolve));
    // The kernel picks such a port by chance.
    const self = connect({ port, host: '127.0.0.1', localPort: port, localAddress: '127.0.0.1' });
    await once(self, 'connect');
    expect(isItsOwnEnd(self)).toBe(true);
    self.destroy();
  });

  test('whose name nobody knows', async () => {
    expect(await look('nobody.invalid:22', 20_000)).toEqual({
      holds: false,
      because: 'nobody.invalid:22: its name is not known',
    });
  });

  test.each(['10.0.0.256:22', '[1:2:3]:22'])(
    'that only looks like an address is looked up as a name: %s',
    async (text) => {
      expect(await look(text, 20_000)).toEqual({
        holds: false,
        because: `${text}: its name is not known`,
      });
    },
  );

  test('that takes no connection, as its queue is full, is given up after the time for that', async () => {
    const { child, port } = await startDeafServer();
    // The kernel takes connections in the place of the program, as many as it has asked for and one more (listen(2)), and drops all further ones.
    const waiting = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => {}));
    onTestFinished(() => {
      for (const socket of waiting) socket.destroy();
      child.kill('SIGKILL');
    });
    await expect
      .poll(() => waiting.filter((socket) => socket.readyState === 'open').length)
      .toBeGreaterThan(0);
    await expect
      .poll(() => look(`127.0.0.1:${port}`, 300), { timeout: 10_000 })
      .toEqual({ holds: false, because: `127.0.0.1:${port}: no answer` });
  });

  test('looks that are given up, and a hundred that are not, leave no descriptor open', async () => {
    const { port } = await listen('127.0.0.1');
    await look(`127.0.0.1:${port}`);
    const before = sockets();
    const controller = new AbortController();
    const given = lookAtEndpoint(`127.0.0.1:${port}`, { environment: {}, signal: controller.signal });
    controller.abort();
    expect(await given).toMatchObject({ holds: false });
    for (let n = 0; n < 100; n += 1) expect(await look(`127.0.0.1:${port}`)).toEqual({ holds: true });
    // Both ends of each connection are in this process.
    await expect.poll(sockets).toBeLessThanOrEqual(before + 2);
  });
});
