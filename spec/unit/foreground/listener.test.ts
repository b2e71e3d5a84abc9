import { once } from 'node:events';
import { existsSync, lstatSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { listenForNotices } from '../../../src/foreground/listener.ts';
import { parseVerdict } from '../../../src/os/verdict.ts';
import { parseChannels, socketOf } from '../../../src/state/channel.ts';
import {
  formatCancellation,
  formatHurry,
  formatNotice,
  type Notice,
} from '../../../src/state/channel-message.ts';
import { converse } from '../../../src/state/converse.ts';

const notice = (name: string): Notice => ({
  name,
  delta: 0,
  startTimerNow: false,
  run: { pid: 1, start: 1 },
  burst: 10,
  maxDelay: 1800,
  limit: undefined,
  splay: 0,
});

async function listening() {
  const heard: string[] = [];
  const listener = await listenForNotices({
    notice: ({ name = '' }) => {
      heard.push(name);
      return { exitCode: 0, text: `heard ${name}` };
    },
    cancel: ({ cancel }) => {
      heard.push(JSON.stringify(cancel));
      return { exitCode: 0, text: 'cancelled' };
    },
    hurry: ({ now }) => {
      heard.push(`now ${JSON.stringify(now)}`);
      return { exitCode: 0, text: 'due now' };
    },
  });
  const { folder } = listener.channel;
  return { listener, folder, heard, tell: (line: string) => converse(socketOf(folder), line) };
}

describe('a channel', () => {
  test('answers a notice, a cancellation and `again now`, and nothing else', async () => {
    const { listener, folder, heard, tell } = await listening();
    expect(lstatSync(folder).mode & 0o777).toBe(0o700);
    expect(parseVerdict(await tell(formatNotice(notice('a'))))).toEqual({ exitCode: 0, text: 'heard a' });
    expect(parseVerdict(await tell(formatCancellation({ cancel: 'all' })))).toEqual({
      exitCode: 0,
      text: 'cancelled',
    });
    expect(parseVerdict(await tell(formatHurry({ now: { name: 'a' } })))).toEqual({
      exitCode: 0,
      text: 'due now',
    });
    for (const line of ['\n', 'x\n', '{}\n', '{"cancel":1}\n', '{"now":{}}\n'])
      expect(await tell(line)).toBe('');
    expect(heard).toEqual(['a', '"all"', 'now {"name":"a"}']);
    listener.close();
    expect(existsSync(folder)).toBe(false);
    expect(await tell(formatNotice(notice('b')))).toBe('');
  });

  test('has a name that is read as it was written', async () => {
    const { listener } = await listening();
    const { owner, boot, folder } = listener.channel;
    expect(parseChannels(`1:${owner.pid}:${owner.start}:${boot}:${folder}`)).toEqual([listener.channel]);
    listener.close();
  });

  test('goes on where one that had connected before says what it wants while it ends', async () => {
    const { listener, folder, heard } = await listening();
    const client = connect(socketOf(folder));
    let said = '';
    client.on('data', (chunk) => {
      said += String(chunk);
    });
    const closed = once(client, 'close');
    await once(client, 'connect');
    await sleep(10); // it is accepted
    const draining = listener.drain();
    client.write(formatNotice(notice('late')));
    expect(await draining).toBe(true);
    expect(heard).toEqual(['late']);
    await closed;
    expect(parseVerdict(said)).toEqual({ exitCode: 0, text: 'heard late' });
    expect(await listener.drain()).toBe(false);
    listener.close();
  });

  test('loses no notice that comes while it ends: each is answered and heard, or neither', async () => {
    let answered = 0;
    let unanswered = 0;
    let wentOn = 0;
    for (let round = 0; round < 200; round += 1) {
      const { listener, heard, tell } = await listening();
      const clients = Array.from({ length: 4 }, async (_, n) => {
        // From well before its end to just after it.
        await sleep(0);
        for (let spin = 0; spin < ((round * 4 + n) % 50) * 2000; spin += 1);
        const name = `${round}-${n}`;
        return { name, answer: parseVerdict(await tell(formatNotice(notice(name)))) };
      });
      await sleep(0);
      // When `again run` decides to end, before it asks, it knows all that it has answered.
      let known = [...heard];
      while (await listener.drain()) {
        wentOn += 1;
        known = [...heard];
      }
      listener.close();
      for (const { name, answer } of await Promise.all(clients)) {
        expect(known.includes(name), name).toBe(answer !== undefined);
        if (answer) answered += 1;
        else unanswered += 1;
      }
      expect(heard).toEqual(known);
    }
    expect(answered + unanswered).toBe(800);
    expect(answered).toBeGreaterThan(0);
    expect(wentOn).toBeGreaterThan(0);
  });
});
