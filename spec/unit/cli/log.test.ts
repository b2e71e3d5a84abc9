import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { showLog } from '../../../src/cli/log.ts';
import { bootId } from '../../../src/os/clock.ts';
import type { PastRerun } from '../../../src/state/history.ts';
import { logPath } from '../../../src/state/logs.ts';
import { living } from '../living.ts';
import { temporaryFolder } from '../state/temporary.ts';

/** A rerun that is going, and its log with one line. */
function rerun() {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'logs'));
  const process_ = living();
  const past: PastRerun = {
    version: 1,
    id: '20260102T030405Z-0a1b2c',
    boot: bootId(),
    startedAt: new Date().toISOString(),
    ...process_,
    command: 'puppet apply site.pp',
    names: [null],
    chain: 'c0ffee',
    link: 1,
    unit: null,
    failure: null,
    reportFile: '/nowhere',
  };
  const log = logPath(folder, `${past.id}.log`);
  writeFileSync(log, 'line 0\n');
  const follow = (output: NodeJS.WritableStream) =>
    showLog(folder, [past], { id: undefined, follow: true }, output);
  return { log, follow, end: () => process.kill(process_.pid, 'SIGKILL') };
}

test('a log that is followed is shown to its end, and leaves nothing on the output, however often it grows', async () => {
  const warnings: Error[] = [];
  const warned = (warning: Error) => warnings.push(warning);
  process.on('warning', warned);
  onTestFinished(() => void process.off('warning', warned));
  const { log, follow, end } = rerun();
  const output = new PassThrough();
  let shown = '';
  output.on('data', (chunk) => {
    shown += String(chunk);
  });
  const listeners = () => output.eventNames().reduce((sum, name) => sum + output.listenerCount(name), 0);
  const before = listeners();
  const following = follow(output);
  let all = 'line 0\n';
  for (let n = 1; n <= 12; n += 1) {
    await expect.poll(() => shown).toBe(all);
    appendFileSync(log, `line ${n}\n`);
    all += `line ${n}\n`;
  }
  end();
  await following;
  expect(shown).toBe(all);
  expect(listeners()).toBe(before);
  expect(warnings).toEqual([]);
});

test('an output whose reader has ended is not followed any more', async () => {
  const gone = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
  const output = new Writable({ write: (_chunk, _encoding, done) => done(gone) });
  output.on('error', () => {});
  await expect(rerun().follow(output)).rejects.toBe(gone);
});
