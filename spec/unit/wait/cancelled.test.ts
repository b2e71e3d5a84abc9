import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const WORKER = join(import.meta.dirname, 'cancelled.worker.ts');

test('a SIGTERM that comes while a start is being prepared is seen before the start', () => {
  const seen = JSON.parse(execFileSync(process.execPath, [WORKER], { encoding: 'utf8' }));
  expect(seen).toEqual({ known: false, answer: 'cancelled' });
});
