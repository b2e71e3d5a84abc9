import { lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { bootId, monotonic } from '../os/clock.ts';
import { removeFile } from '../os/files.ts';
import { join } from '../os/path.ts';
import { readStat, self } from '../os/process.ts';
import { randomHex } from '../os/random.ts';
import { oneLine, Refusal } from '../os/refusal.ts';
import { formatVerdict, type Verdict } from '../os/verdict.ts';
import { type Channel, socketOf } from '../state/channel.ts';
import {
  type Cancellation,
  type Hurry,
  type Notice,
  parseCancellation,
  parseHurry,
  parseNotice,
} from '../state/channel-message.ts';
import { channelPlaces, channelPrefix } from '../state/channel-record.ts';

/** The channel of this `again run`, and what listens there. */
export interface Listener {
  readonly channel: Channel;
  /**
   * Ends the channel, unless a notification comes at this very moment: then it stays open, and true is returned. One that comes later finds no listener, and becomes a waiter in
   * the background.
   */
  drain(): Promise<boolean>;
  /** Removes the folder. */
  close(): void;
}

/** A notice that is longer than this is none of ours. */
const LONGEST = 64 * 1024;

/** Milliseconds that a notification may take to say what it wants. */
const LONGEST_ANSWER_MS = 2000;

/** The kernel takes no longer name of a socket (unix(7)), its NUL included. */
const LONGEST_NAME = 107;

/** The handler of each kind of message. */
export interface Handlers {
  notice(notice: Notice): Verdict;
  cancel(cancellation: Cancellation): Verdict;
  hurry(hurry: Hurry): Verdict;
}

function answerTo(line: string, handlers: Handlers): Verdict | undefined {
  const notice = parseNotice(line);
  if (notice) return handlers.notice(notice);
  const cancellation = parseCancellation(line);
  if (cancellation) return handlers.cancel(cancellation);
  const hurry = parseHurry(line);
  return hurry && handlers.hurry(hurry);
}

/** Listens in a folder of its own, which is removed when this process ends. */
export async function listenForNotices(handlers: Handlers): Promise<Listener> {
  const { createServer } = process.getBuiltinModule('node:net');
  const folder = makeFolder();
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.on('exit', remove);
  const open = new Set<Socket>();
  /** How many have connected, and how many were answered. */
  let [heard, answered] = [0, 0];
  const serve = (socket: Socket) => {
    open.add(socket);
    heard += 1;
    let said = '';
    socket.on('error', () => {}); // it has ended; 'close' follows
    socket.on('close', () => open.delete(socket));
    socket.on('data', (chunk) => {
      said += String(chunk);
      const end = said.indexOf('\n');
      if (end < 0 && said.length < LONGEST) return;
      const verdict = answerTo(said.slice(0, end), handlers);
      answered += 1;
      if (verdict) socket.end(formatVerdict(verdict));
      else socket.destroy();
    });
  };
  const server = createServer(serve);
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(socketOf(folder), resolve);
  });
  const stopListening = () => {
    server.close();
    // A notification that has connected and got no answer begins a waiter of its own.
    for (const socket of open) socket.destroy();
    removeFile(socketOf(folder));
  };
  return {
    channel: { owner: self(), boot: bootId(), folder },
    async drain() {
      const before = [heard, answered];
      const deadline = monotonic() + LONGEST_ANSWER_MS;
      // Connections that were made are accepted at the next turns of the loop.
      for (let turns = 0; turns < 3 || (open.size > 0 && monotonic() < deadline); turns += 1) await turn();
      // One that had connected before may have said only now what it wants.
      if (heard !== before[0] || answered !== before[1]) return true;
      stopListening();
      return false;
    },
    close() {
      stopListening();
      process.off('exit', remove);
      remove();
    },
  };
}

/** Makes a folder that no other user can enter, in memory where there is such a place. */
function makeFolder(): string {
  const user = process.getuid?.() ?? 0;
  const failures: string[] = [];
  for (const place of channelPlaces(user)) {
    const folder = join(place, `${channelPrefix()}${process.pid}-${randomHex(12)}`);
    if (/\s/.test(folder) || !folder.startsWith('/') || socketOf(folder).length > LONGEST_NAME) continue;
    try {
      removeStale(place, user);
      mkdirSync(folder, { mode: 0o700 });
      return folder;
    } catch (error) {
      failures.push(oneLine(error));
    }
  }
  throw new Refusal(
    `no folder for its notifications can be made (${failures.join('; ')}): make /tmp writable`,
  );
}

/** Removes what an `again run` of this place has left that was killed. */
function removeStale(place: string, user: number): void {
  for (const name of readdirSync(place)) {
    if (!name.startsWith(channelPrefix())) continue;
    const pid = Number.parseInt(name.slice(channelPrefix().length), 10);
    const path = join(place, name);
    // A pid that is used again leaves it for later.
    if (readStat(pid) || lstatSync(path, { throwIfNoEntry: false })?.uid !== user) continue;
    rmSync(path, { recursive: true, force: true });
  }
}
