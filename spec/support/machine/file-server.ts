import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';

export interface FileServer {
  /** URL of the folder. */
  readonly url: string;
  /** Method and path of every request so far. */
  readonly requests: string[];
  /** Bytes of files that it has sent so far. */
  sent(): number;
  /** From now on the connection breaks after so many bytes of a file; `undefined`: it doesn't. */
  breakAfter(bytes: number | undefined): void;
  close(): void;
}

/** A web server on the loopback address, for the files of one folder. */
export async function serveFolder(folder: string): Promise<FileServer> {
  const requests: string[] = [];
  let limit: number | undefined;
  let sent = 0;
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const path = join(folder, basename(request.url ?? ''));
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    response.writeHead(size === undefined ? 404 : 200, { 'content-length': size ?? 0 });
    if (size === undefined || request.method === 'HEAD') {
      response.end();
    } else {
      const whole = limit === undefined;
      createReadStream(path, whole ? {} : { end: (limit ?? 0) - 1 })
        .on('data', (chunk) => {
          sent += chunk.length;
        })
        .on('end', () => whole || response.destroy())
        .pipe(response, { end: whole });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/again`,
    requests,
    sent: () => sent,
    breakAfter: (bytes) => {
      limit = bytes;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
