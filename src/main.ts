import { writeFileSync } from 'node:fs';
import { takeNotification } from './notify/notification.ts';
import { type Bytes, splitAtNul } from './os/bytes.ts';
import { fault } from './os/fault.ts';
import { handedOn, takeHandedOn } from './os/handed-on.ts';
import { journalLine, type LoggedEvent, writeLine } from './os/journal.ts';
import { readBytes } from './os/read.ts';
import { ChainEnded, oneLine, Refusal, Unsupported } from './os/refusal.ts';
import { STRAY } from './os/signals.ts';
import { say, type Verdict } from './os/verdict.ts';
import { CONDITION_VARIABLE } from './schedule/condition.ts';
import { parseCanonical, type WaiterRequest } from './schedule/request.ts';
import { FOREGROUND_COMM } from './state/channel.ts';
import { readSettings } from './state/settings.ts';
import { listen } from './wait/listen.ts';
import { waitAndBecome } from './wait/waiter.ts';

/**
 * A single-file executable is called with argv[0], as every program is. Three callers have to be told apart: the launcher of the
 * module (`--parent PID`), a waiter that becomes Puppet and leaves the rest to its successor (`--adopt`), and all others. Code that Puppet need
 * not wait for is loaded when it is needed: loading is most of what a notification costs.
 */
async function main(args: readonly string[]): Promise<void> {
  // No user is shown where an error came from, and finding that out takes longer than most of what fails here, such as a file that isn't there.
  Error.stackTraceLimit = 0;
  // Node names its main thread `MainThread`; ps, pgrep and killall look for `again`.
  try {
    writeFileSync('/proc/self/comm', COMMS.get(args[0]) ?? 'again');
  } catch {
    // /proc is not mounted: see self() of os/process.ts for whom that matters.
  }
  // Nothing that is started from here on has it.
  const words = process.env[CONDITION_VARIABLE];
  delete process.env[CONDITION_VARIABLE];
  const notification = parseCanonical(args, words);
  if (notification) {
    takeHandedOn();
    return beWaiter(notification);
  }
  if (args[0] === '--adopt') return beSuccessor();
  if (isFromLauncher(args))
    return refuse({
      exitCode: 64,
      text: `again: wrong command line${args.includes('--when') ? `, or no condition in ${CONDITION_VARIABLE}` : ''}: ${args.join(' ')}; see \`again --help\``,
    });
  for (const signal of STRAY) process.on(signal, () => {});
  stayInRemovedFolder();
  const { commandLine } = await import('./cli/command-line.ts');
  const { foregroundCommands } = await import('./foreground/commands.ts');
  process.exitCode = await commandLine(args, (exit) => foregroundCommands(args, exit));
}

/** The working directory may have been removed: the parser asks for it, and nothing needs the answer. */
function stayInRemovedFolder(): void {
  try {
    process.cwd();
  } catch {
    process.cwd = () => '/';
  }
}

/** Whether a command line, which is none of the launcher's, ends as those do, and is none of a person's subcommands. */
function isFromLauncher(args: readonly string[]): boolean {
  return args.at(-2) === '--parent' && args[0]?.startsWith('-') === true;
}

/** The kernel's name for a process that must not be ended by `killall again`, by its subcommand. */
const COMMS = new Map<string | undefined, string>([
  ['run', FOREGROUND_COMM],
  ['wait', 'again-wait'],
]);

/** The life of a notification: record it, say so, wait, become Puppet. */
async function beWaiter(request: WaiterRequest): Promise<void> {
  const { wakeup, cancelled } = listen();
  try {
    const outcome = await takeNotification(request);
    if (outcome.kind === 'elsewhere') {
      const { relay } = await import('./wait/late.ts');
      const environment = { ...outcome.command.environment, ...handedOn() };
      return speak(await relay({ ...outcome.command, environment }));
    }
    fault('verdict.saying');
    speak(outcome.verdict, outcome.events);
    fault('verdict.said');
    if (outcome.kind === 'said') return;
    await waitAndBecome(outcome.context, outcome.seen, wakeup, cancelled);
  } catch (error) {
    if (error instanceof Unsupported && isWarningEnough(request.parent))
      return speak({ exitCode: 0, text: `Warning: nothing scheduled: ${oneLine(error)}` });
    const exitCode = error instanceof Refusal ? error.exitCode : 1;
    const text = oneLine(error);
    refuse({ exitCode, text: `again: ${text}` }, error instanceof ChainEnded ? [['failed', text]] : []);
  } finally {
    wakeup.close();
  }
}

/** The launcher writes the lines for the journal; where it has ended meanwhile, this process does. */
function speak(verdict: Verdict, events: readonly LoggedEvent[] = []): void {
  const journal = [...(verdict.journal ?? []), ...events.map(journalLine)];
  if (!say({ ...verdict, journal })) journal.forEach(writeLine);
}

/** The same for a refusal, also to a person, who has no launcher; the launcher discards standard error. */
function refuse(verdict: Verdict, events: readonly LoggedEvent[] = []): void {
  speak(verdict, events);
  process.stderr.write(`${verdict.text}\n`);
  process.exitCode = verdict.exitCode;
}

/** Whether the site, or the run by its environment, wants only a warning where a rerun is impossible by nature. */
function isWarningEnough(parent: number): boolean {
  if (handedOn().AGAIN_UNSUPPORTED === 'warn') return true;
  try {
    if (splitAtNul(readBytes(`/proc/${parent}/environ`)).includes('AGAIN_UNSUPPORTED=warn' as Bytes))
      return true;
    return readSettings().unsupported === 'warn';
  } catch {
    return false;
  }
}

async function beSuccessor(): Promise<void> {
  const { wakeup, cancelled } = listen();
  const { adopt } = await import('./wait/late.ts');
  const adopted = adopt();
  if (adopted) await waitAndBecome(adopted.context, adopted.seen, wakeup, cancelled);
  wakeup.close();
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`again: ${oneLine(error)}\n`);
  process.exitCode = 1;
});
