import { closeSync } from 'node:fs';
import { bootId, monotonic } from '../os/clock.ts';
import { allPids, isAlive, type ProcessId, readAncestry, readStat, self } from '../os/process.ts';
import { randomHex } from '../os/random.ts';
import { oneLine, Refusal } from '../os/refusal.ts';
import { SECOND_MS } from '../os/second.ts';
import { processName } from '../repeat/environment.ts';
import { CHANNEL_VARIABLE, channelsBelow } from '../state/channel.ts';
import { writeChannelRecord } from '../state/channel-record.ts';
import { createSurvey } from '../wait/survey.ts';
import { createWakeup, type Wakeup } from '../wait/wakeup.ts';
import { startCommand } from './command.ts';
import { type Bounds, type Convergence, countdown, createConvergence } from './convergence.ts';
import { holdHere } from './hold.ts';
import { becomesDaemon, keepInput, manifestDescriptor } from './input.ts';
import { type Listener, listenForNotices } from './listener.ts';
import { type Origin, readOrigin } from './origin.ts';
import { type CommandEnd, exitCodeOf, LIMIT_REACHED } from './outcome.ts';
import { describeWords } from './promise.ts';
import { openScreen, type Screen } from './screen.ts';
import { type Stop, takeSignals } from './stop.ts';

export interface RunOptions extends Bounds {
  readonly command: readonly string[];
  /** Seconds for all runs together; undefined for no end. */
  readonly timeout: number | undefined;
  /** Seconds beyond that after which the run that goes on is ended; undefined for never. */
  readonly killAfter: number | undefined;
  /** Keep standard input for each run, also where it is not certain that the manifest comes from there. */
  readonly stdin: boolean;
}

/** Milliseconds between two looks at a run that is not a child of this process, or is in the way. */
const LOOK_MS = 100;

/** Milliseconds between the SIGTERM and the SIGKILL with which `--kill-after` ends a run. */
const LAST_WORDS_MS = 10_000;

/**
 * The life of an `again run`: start the command, take the notifications of its Puppet, wait for the end of it and until the rerun is due, and start it again, until
 * nothing is pending.
 *
 * @returns the exit code
 * @throws {Refusal} for a command that becomes a daemon
 */
export async function runInForeground(options: RunOptions): Promise<number> {
  if (becomesDaemon(options.command))
    throw new Refusal(
      `\`${describeWords(options.command)}\` goes into the background or stays a daemon, whose end nobody can wait for: add --test, or --onetime --no-daemonize`,
    );
  const origin = readOrigin();
  const descriptor = options.stdin ? 0 : manifestDescriptor(options.command);
  const kept = descriptor === undefined ? undefined : { descriptor, open: keepInput(descriptor) };
  const wakeup = createWakeup();
  const command = describeWords(options.command);
  const convergence = createConvergence(command, process.pid, options);
  const chain = randomHex(8);
  let since: string | undefined;
  const changed = () => {
    wakeup.poke();
    const record = { version: 1, waiter: self(), boot: bootId(), command, chain } as const;
    if (convergence.link > 0) since ??= new Date().toISOString();
    const { entries } = convergence;
    writeChannelRecord(listener.channel.folder, { ...record, ...(since && { since }), entries });
  };
  const listener: Listener = await listenForNotices({
    notice: (notice) => {
      const verdict = convergence.take(notice, monotonic(), Math.random());
      changed();
      return verdict;
    },
    cancel: (cancellation) => {
      const text = `${convergence.cancel(cancellation)} cancelled`;
      changed();
      return { exitCode: 0, text };
    },
    hurry: (hurry) => {
      const text = `${convergence.hurry(hurry, monotonic())} due now`;
      changed();
      return { exitCode: 0, text };
    },
  });
  try {
    return await new Foreground({
      options,
      origin,
      kept,
      wakeup,
      convergence,
      listener,
      chain,
      changed,
    }).converge();
  } finally {
    wakeup.close();
    listener.close();
  }
}

/** What each run reads from its beginning, and as which descriptor. */
interface KeptInput {
  readonly descriptor: number;
  readonly open: () => number;
}

/** Why there is no next run. */
type Over = 'nothing is pending' | 'stopped' | 'time over';

/** What one `again run` has to do with. */
interface Parts {
  readonly options: RunOptions;
  readonly origin: Origin;
  readonly kept: KeptInput | undefined;
  readonly wakeup: Wakeup;
  readonly convergence: Convergence;
  readonly listener: Listener;
  /** Names the chain of its reruns. */
  readonly chain: string;
  /** Shows others what is pending now. */
  readonly changed: () => void;
}

class Foreground {
  private readonly parts: Parts;
  private readonly screen: Screen = openScreen('again run: ');
  private readonly stop: Stop;
  /** On the monotonic clock. */
  private readonly deadline: number;
  /** The run that goes on. */
  private going: number | undefined;

  constructor(parts: Parts) {
    const { options, origin, wakeup } = parts;
    this.parts = parts;
    this.deadline = monotonic() + (options.timeout ?? Number.POSITIVE_INFINITY) * SECOND_MS;
    this.stop = takeSignals(
      origin.ignored,
      (signal) => sendTo(this.going, signal),
      () => wakeup.poke(),
    );
  }

  async converge(): Promise<number> {
    for (;;) {
      const end = await this.run();
      for (const dropped of this.parts.convergence.takeDropped()) this.screen.say(dropped);
      if (end.kind === 'not started') this.screen.say(`${this.parts.options.command[0]}: ${end.because}`);
      const over = end.kind === 'exited' ? await this.untilDue() : 'nothing is pending';
      if (over !== undefined) return this.exitCode(end, over);
      this.parts.convergence.begin(monotonic());
      this.parts.changed();
    }
  }

  private exitCode(end: CommandEnd, over: Over): number {
    const { limitReached } = this.parts.convergence;
    const timeOver = over === 'time over' || monotonic() >= this.deadline;
    const code = exitCodeOf(end, { stopped: this.stop.signal, timeOver, limitReached });
    if (this.stop.signal !== undefined || end.kind === 'not started') return code;
    if (timeOver)
      this.screen.say(
        `the ${this.parts.options.timeout} s of --timeout are over${over === 'time over' ? ', and a rerun is still pending' : ''}`,
      );
    else if (code === LIMIT_REACHED && limitReached)
      this.screen.say(
        `the limit of ${this.parts.convergence.link} reruns is reached, and another one is wanted`,
      );
    return code;
  }

  /** One run of the command, from its start to its end. */
  private async run(): Promise<CommandEnd> {
    const input = this.parts.kept && { descriptor: this.parts.kept.descriptor, from: this.parts.kept.open() };
    const { pid, ended } = startCommand({
      command: this.parts.options.command,
      environment: this.environment(),
      origin: this.parts.origin,
      input,
    });
    if (input) closeSync(input.from);
    this.going = pid;
    let end: CommandEnd | undefined;
    void ended.then((how) => {
      end = how;
      this.parts.wakeup.poke();
    });
    let killed = 0;
    while (!end) {
      const now = monotonic();
      this.parts.convergence.noteEnds(now);
      const { killAfter = Number.POSITIVE_INFINITY } = this.parts.options;
      const killAt = this.deadline + killAfter * SECOND_MS + (killed > 0 ? LAST_WORDS_MS : 0);
      if (now >= killAt && killed < 2) {
        for (const one of pid === undefined ? [] : withDescendants(pid))
          sendTo(one, killed === 0 ? 'SIGTERM' : 'SIGKILL');
        killed += 1;
        continue;
      }
      const isWatching = this.parts.convergence.entries.some((entry) => entry.runEndedAt === undefined);
      await this.parts.wakeup.sleep(Math.min(isWatching ? LOOK_MS : 60_000, Math.max(1, killAt - now)));
    }
    this.going = undefined;
    this.parts.convergence.noteEnds(monotonic());
    if (this.parts.convergence.entries.length > 0) this.parts.changed();
    return end;
  }

  /** What a run of the command has in addition: its channel, and in a rerun its chain. */
  private environment(): NodeJS.ProcessEnv {
    const { channel } = this.parts.listener;
    const { link } = this.parts.convergence;
    const channels = { [CHANNEL_VARIABLE]: channelsBelow(channel, process.env[CHANNEL_VARIABLE]) };
    if (link === 0) return { ...process.env, ...channels };
    const meantFor = processName(channel.owner, channel.boot);
    return {
      ...process.env,
      ...channels,
      AGAIN_CHAIN: this.parts.chain,
      AGAIN_LINK: String(link),
      AGAIN_PROCESS: meantFor,
    };
  }

  /** Waits until a rerun is due and nothing is in its way; says why there is none. */
  private async untilDue(): Promise<Over | undefined> {
    const { convergence, wakeup } = this.parts;
    const { screen } = this;
    const obstacle = createObstacle();
    let hold: string | undefined;
    try {
      for (;;) {
        const now = monotonic();
        convergence.noteEnds(now);
        const step = convergence.next(now);
        if (this.stop.signal !== undefined) return 'stopped';
        if (step.kind === 'finish') {
          if (await this.parts.listener.drain()) continue;
          return 'nothing is pending';
        }
        if (now >= this.deadline) return 'time over';
        const patience = this.deadline - now;
        if (step.kind === 'await-time') {
          const left = countdown(convergence, Math.min(step.until, this.deadline), now);
          if (left)
            screen.count(
              left.seconds,
              `next run${left.names.length > 0 ? ` (${left.names.join(', ')})` : ''}`,
            );
          await wakeup.sleep(Math.min(step.until - now, patience, SECOND_MS));
        } else if (step.kind === 'await-run') {
          await wakeup.sleep(Math.min(LOOK_MS, patience));
        } else {
          const held = holdHere();
          if (held !== undefined) {
            if (held !== hold) screen.say(`waits for ${held}`);
            hold = held;
            await wakeup.sleep(Math.min(SECOND_MS, patience));
            continue;
          }
          const inTheWay = obstacle();
          if (inTheWay.run === undefined) return undefined;
          if (inTheWay.isNew) screen.say(`waits for another Puppet run, pid ${inTheWay.run.pid}`);
          await wakeup.sleep(Math.min(LOOK_MS, patience));
        }
      }
    } finally {
      screen.clear();
    }
  }
}

/** Finds a Puppet run that is in the way of a rerun: any of this user but those in which this process is nested. */
function createObstacle(): () => { readonly run: ProcessId | undefined; readonly isNew: boolean } {
  const ancestors = new Set([...readAncestry(process.pid)].map(({ id }) => id.pid));
  const survey = createSurvey(process.getuid?.() ?? 0, []);
  let known: ProcessId | undefined;
  return () => {
    // To look at all processes takes some milliseconds: not as long as the one that was found lives and has its lock.
    const going = survey.going(survey.look()).filter(({ id }) => !ancestors.has(id.pid));
    const run = going.find(({ id }) => isAlive(id))?.id;
    const isNew = run !== undefined && run.pid !== known?.pid;
    known = run;
    return { run, isNew };
  };
}

/** A process and all that has come from it, the youngest last. */
function withDescendants(pid: number): number[] {
  const parents = new Map(allPids().map((one) => [one, readStat(one)?.parent]));
  const found = [pid];
  for (const one of found) for (const [child, parent] of parents) if (parent === one) found.push(child);
  return found;
}

function sendTo(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw new Refusal(oneLine(error));
  }
}
