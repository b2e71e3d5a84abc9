import { writeFileSync } from 'node:fs';
import { log } from './journal.ts';
import { takeNotification } from './notification.ts';
import { oneLine, Refusal } from './refusal.ts';
import { relay } from './relay.ts';
import { parseCanonical, type WaiterRequest } from './request.ts';
import { say } from './verdict.ts';
import { adopt } from './waiter/successor.ts';
import { listen, waitAndBecome } from './waiter/wait.ts';

/**
 * What a single-file executable is called with: argv[0], as on every program. Three callers have to be told apart: the launcher of the
 * module (`--parent PID`), a waiter that becomes Puppet and leaves the rest to its successor (`--adopt`), and everybody else.
 */
async function main(args: readonly string[]): Promise<void> {
  // Node names its main thread `MainThread`; ps, pgrep and killall look for `again`.
  writeFileSync('/proc/self/comm', 'again');
  const notification = parseCanonical(args);
  if (notification) return beWaiter(notification);
  if (args[0] === '--adopt') return beSuccessor();
  const { commandLine } = await import('./cli/command-line.ts');
  process.exitCode = await commandLine(args);
}

/** The life of a notification: record it, say so, wait, become Puppet. */
async function beWaiter(request: WaiterRequest): Promise<void> {
  const { wakeup, cancelled } = listen();
  try {
    const outcome = await takeNotification(request);
    if (outcome.kind === 'elsewhere') return say(await relay(outcome.command));
    say(outcome.verdict);
    for (const [event, text] of outcome.events) log(event, text);
    if (outcome.kind === 'waiting') await waitAndBecome(outcome.held, outcome.record, wakeup, cancelled);
  } catch (error) {
    const exitCode = error instanceof Refusal ? error.exitCode : 1;
    say({ exitCode, text: `again: ${oneLine(error)}` });
    process.exitCode = exitCode;
  } finally {
    wakeup.close();
  }
}

async function beSuccessor(): Promise<void> {
  const { wakeup, cancelled } = listen();
  const { held, record } = adopt();
  if (record) await waitAndBecome(held, record, wakeup, cancelled);
  wakeup.close();
}

void main(process.argv.slice(2));
