import { appendFileSync, readFileSync, unlinkSync } from 'node:fs';
import { dirname, join } from './path.ts';

// Put in by the build: true in its variant for tests of faults (`node build.mjs --instrumented`) alone, so that the shipped executable has nothing of this.
declare const AGAIN_INSTRUMENTED: boolean | undefined;

/**
 * A point at which a test can make something fail: a file `faults/POINT` beside the executable says what, and the first process that comes by takes it. The shipped
 * build has neither this nor the names of the points.
 */
export function fault(point: string): void {
  if (typeof AGAIN_INSTRUMENTED !== 'undefined' && AGAIN_INSTRUMENTED) inject(point);
}

function inject(point: string): void {
  const file = join(dirname(process.execPath), `faults/${point}`);
  let what: string;
  try {
    what = readFileSync(file, 'utf8').trim();
    unlinkSync(file);
  } catch {
    return; // none is meant for this point, or another process took it
  }
  const [action, value] = what.split(' ');
  if (action === 'kill') {
    note(`killed: ${point}`);
    process.kill(process.pid, 'SIGKILL');
  }
  if (action === 'stop') process.kill(process.pid, 'SIGSTOP');
  if (action === 'wait') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(value));
  if (action === 'throw') throw Object.assign(new Error(`${value}: injected at ${point}`), { code: value });
}

/** Shows a test what the journal gets, and when: in a file beside the executable, also on a machine without a log, and at once. */
export function tell(line: string): void {
  if (typeof AGAIN_INSTRUMENTED !== 'undefined' && AGAIN_INSTRUMENTED) note(line);
}

function note(line: string): void {
  const now = Number(process.hrtime.bigint() / 1_000_000n);
  appendFileSync(join(dirname(process.execPath), 'journal'), `${now} ${process.pid} ${line}\n`);
}
