import type { Socket } from 'node:net';
import { SYSTEM_PATH } from '../../os/spawn.ts';
import { parseEndpoint } from '../../schedule/condition.ts';
import { type Answer, HOLDS, type LookContext, no, PATIENCE_MS } from './answer.ts';
import { runProgram } from './program.ts';

/** Connects to an endpoint, and closes the connection as soon as it is there. */
export async function lookAtEndpoint(
  endpoint: string,
  context: Pick<LookContext, 'environment' | 'signal'>,
  patienceMs = PATIENCE_MS,
): Promise<Answer> {
  const parsed = parseEndpoint(endpoint);
  if (!parsed) return no(`${endpoint} is no endpoint`);
  const { host, port } = parsed;
  const { isIP } = process.getBuiltinModule('node:net');
  const addresses = isIP(host) !== 0 ? [host] : await resolve(host, context, patienceMs);
  if (typeof addresses === 'string') return no(`${endpoint}: ${addresses}`);
  const failure = await connectToAny(addresses, port, context.signal, patienceMs);
  return failure === undefined ? HOLDS : no(`${endpoint}: ${failure}`);
}

/** Addresses of one name that are tried. */
const MOST_ADDRESSES = 16;

/**
 * The addresses of a name, by all that the machine asks for names (nsswitch.conf(5)); or why there are none, in words. getent(1) comes with the C library. Node's own
 * look-up would hold up the one thread that it has for files here.
 */
async function resolve(
  host: string,
  { environment, signal }: Pick<LookContext, 'environment' | 'signal'>,
  limitMs: number,
): Promise<readonly string[] | string> {
  const end = await runProgram(['getent', 'ahosts', host], {
    environment: { ...environment, PATH: SYSTEM_PATH, LC_ALL: 'C' },
    directory: '/',
    limitMs,
    signal,
    output: true,
  });
  if (end.kind === 'not started')
    return `its name cannot be looked up: getent(1) cannot be started (${end.code})`;
  if (end.kind !== 'exited') return 'no answer to its name';
  const addresses = end.output.split('\n').map((line) => /^\S+/.exec(line)?.[0] ?? '');
  const different = [...new Set(addresses)].filter((address) => address !== '').slice(0, MOST_ADDRESSES);
  return end.code === 0 && different.length > 0 ? different : 'its name is not known';
}

/** Tries all addresses at once. Returns why none of them took the connection; undefined where one did. */
async function connectToAny(
  addresses: readonly string[],
  port: number,
  signal: AbortSignal,
  patienceMs: number,
): Promise<string | undefined> {
  if (signal.aborted) return 'not asked to its end';
  const { Socket } = process.getBuiltinModule('node:net');
  const sockets = addresses.map(() => new Socket());
  let abort = () => {};
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve) => {
      let failed = 0;
      abort = () => resolve('not asked to its end');
      timer = setTimeout(() => resolve('no answer'), patienceMs);
      signal.addEventListener('abort', abort);
      const fail = (code = 'no connection') => {
        failed += 1;
        if (failed === sockets.length) resolve(FAILURES.get(code) ?? code);
      };
      sockets.forEach((socket, n) => {
        socket.on('connect', () => {
          if (!isItsOwnEnd(socket)) return resolve(undefined);
          socket.destroy();
          fail('ECONNREFUSED');
        });
        socket.on('error', (error: NodeJS.ErrnoException) => fail(error.code));
        socket.connect({ host: addresses[n] as string, port });
      });
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    for (const socket of sockets) socket.destroy();
  }
}

/**
 * Whether a connection leads to itself. Where nobody listens on a port of this machine, the kernel may give the connection that very port as its own, and it is then made (RFC 9293, 3.5,
 * "simultaneous open").
 */
export function isItsOwnEnd({ localAddress, localPort, remoteAddress, remotePort }: Socket): boolean {
  return localPort === remotePort && localAddress === remoteAddress;
}

const FAILURES = new Map<string, string>([
  ['ECONNREFUSED', 'connection refused'],
  ['EHOSTUNREACH', 'no route to it'],
  ['ENETUNREACH', 'no route to it'],
  ['ETIMEDOUT', 'no answer'],
]);
