import { expect, test } from 'vitest';
import { exitCodeOf } from '../../../src/foreground/outcome.ts';
import { codeOf } from '../../../src/foreground/wait.ts';

const nothing = { stopped: undefined, timeOver: false, limitReached: false };
const exited = (code: number) => ({ kind: 'exited', code }) as const;
const killed = { kind: 'killed', signal: 9 } as const;
const missing = { kind: 'not started', code: 127, because: 'not found in PATH' } as const;

test.each([
  [exited(0), nothing, 0],
  [exited(6), nothing, 6],
  [killed, nothing, 137],
  [missing, nothing, 127],
  [missing, { ...nothing, timeOver: true, stopped: 15 }, 127],
  [exited(0), { ...nothing, limitReached: true }, 125],
  [exited(6), { ...nothing, limitReached: true }, 125],
  [exited(2), { ...nothing, timeOver: true }, 124],
  [killed, { ...nothing, timeOver: true }, 124],
  [exited(2), { ...nothing, timeOver: true, limitReached: true }, 124],
  // Puppet's agent exits with 0 after Ctrl-C; the caller must not take that for success.
  [exited(0), { ...nothing, stopped: 2 }, 130],
  [exited(1), { ...nothing, stopped: 15 }, 143],
  [killed, { ...nothing, stopped: 15 }, 137],
])('%j with %j is %i', (end, circumstances, code) => {
  expect(exitCodeOf(end, circumstances)).toBe(code);
});

test.each([
  [{ failure: null, outcome: { status: 'changed', seconds: 1 } }, 0],
  [{ failure: null, outcome: { status: 'unchanged', seconds: 1 } }, 0],
  [{ failure: null, outcome: { status: 'failed', seconds: 1 } }, 4],
  [{ failure: 'lost: its waiter was killed' }, 4],
  [{ failure: null }, 5],
])('a rerun %j makes `again wait` exit with %i', (rerun, code) => {
  expect(codeOf(rerun)).toBe(code);
});
