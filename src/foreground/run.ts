import { closeSync } from 'node:fs';
import { fromText } from '../os/bytes.ts';
import { bootId, monotonic } from '../os/clock.ts';
import { isAlive, self, withDescendants } from '../os/process.ts';
import { drawnFor, randomHex } from '../os/random.ts';
import { Refusal } from '../os/refusal.ts';
import { SECOND_MS } from '../os/second.ts';
import { describeWords } from '../puppet/describe.ts';
import { processName } from '../repeat/environment.ts';
import { restoreOpenFiles } from '../repeat/limit.ts';
import { isGoing } from '../schedule/entry.ts';
import { displayNames } from '../schedule/names.ts';
import { CHANNEL_VARIABLE, channelsBelow } from '../state/channel.ts';
import { writeChannelRecord } from '../state/channel-record.ts';
import type { Looker } from '../wait/condition/looker.ts';
import { createWakeup, type Wakeup } from '../wait/wakeup.ts';
import { startCommand } from './command.ts';
import { createConditions } from './conditions.ts';
import { type Bounds, type Convergence, createConvergence } from './convergence.ts';
import { stateHere } from './hold.ts';
import { becomesDaemon, keepInput, manifestDescriptor } from './input.ts';
import { type Listener, listenForNotices } from './listener.ts';
import { createObstacles, LOOK_MS } from './obstacle.ts';
import { type Origin, readOrigin } from './origin.ts';
import { type CommandEnd, exitCodeOf, LIMIT_REACHED } from './outcome.ts';
import { createRuns, type Runs } from './runs.ts';
import { openScreen, type Screen } from './screen.ts';
import { type Stop, takeSignals } from './stop.ts';
import { type Tree, treeOf } from './tree.ts';
import { type Over, untilDue } from './until-due.ts';

export interface RunOptions extends Bounds {
  readonly command: readonly string[];
  /** Seconds for all runs together; undefined for no end. */
  readonly timeout: number | undefined;
  /** Seconds beyond that after which the present run is ended; undefined for never. */
  readonly killAfter: number | undefined;
  /** Keep standard input for each run, also where it is not certain that the manifest comes from there. */
  readonly stdin: boolean;
}

/** The end of a command that was not started, since its input had not ended when all was over. */
const NOT_BEGUN: CommandEnd = { kind: 'exited', code: 0 };

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
  const command = describeWords(options.command.map(fromText));
  if (becomesDaemon(options.command))
    throw new Refusal(
      `\`${command}\` becomes a daemon or runs in the background, so \`again run\` cannot wait for its end: add --test, or --onetime --no-daemonize`,
    );
  const origin = withLimitRestored(readOrigin());
  const wakeup = createWakeup();
  const convergence = createConvergence(command, process.pid, options);
  const chain = randomHex(8);
  const screen = openScreen('again run: ');
  const runs = createRuns();
  const conditions = createConditions({
    met(ids, at) {
      convergence.meet(ids, at);
      changed();
    },
    looked(ids) {
      convergence.looked(ids);
      changed();
    },
    unstartable(ids, because) {
      const asked = convergence.entries.filter(({ condition }) => ids.includes(condition?.id ?? ''));
      screen.say(`${displayNames(asked)}: ${because}, so it counts as not true`);
    },
  });
  const shown: Shown = { heldUp: undefined };
  let since: string | undefined;
  const changed = () => {
    wakeup.poke();
    if (convergence.link > 0) since ??= new Date().toISOString();
    writeChannelRecord(listener.channel.folder, {
      version: 1,
      waiter: self(),
      boot: bootId(),
      command,
      chain,
      ...(since && { since }),
      entries: convergence.entries,
      looks: conditions.looks,
      ...(shown.heldUp !== undefined && { heldUp: shown.heldUp }),
      stateFolder: stateHere(),
    });
  };
  const listener: Listener = await listenForNotices({
    notice: (notice) => {
      const id = randomHex(12);
      // As in the background: all requests of one run are spread as one.
      const spread = drawnFor(bootId(), notice.run.pid, notice.run.start);
      const verdict = convergence.take(notice, monotonic(), spread, id);
      runs.note(notice);
      if (notice.condition) {
        conditions.take(id, notice.condition, notice.run);
        conditions.show(convergence.entries);
      }
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
      wakeup,
      convergence,
      runs,
      listener,
      chain,
      changed,
      shown,
      looker: conditions.looker,
      screen,
    }).converge();
  } finally {
    // A Puppet that was left behind may notify while the looks are ended: from here on, a waiter in the background takes that.
    listener.close();
    await conditions.looker.close();
    wakeup.close();
  }
}

/** Gives this process the limit of open files that it was started with, so that all it starts has that, too, without a program between. */
function withLimitRestored(origin: Origin): Origin {
  return restoreOpenFiles(origin.openFiles) ? { ...origin, openFiles: undefined } : origin;
}

/** The input that each run reads from its beginning, and its descriptor. */
interface KeptInput {
  readonly descriptor: number;
  readonly open: () => number;
}

/** The things that others are shown beside the pending entries. */
interface Shown {
  /** Why a rerun that is due does not start, in words. */
  heldUp: string | undefined;
}

/** All that one `again run` works with. */
interface Parts {
  readonly options: RunOptions;
  readonly origin: Origin;
  readonly wakeup: Wakeup;
  readonly convergence: Convergence;
  readonly runs: Runs;
  readonly listener: Listener;
  /** Names the chain of its reruns. */
  readonly chain: string;
  /** Shows others what is pending now. */
  readonly changed: () => void;
  readonly shown: Shown;
  /** Looks at conditions between the runs. */
  readonly looker: Looker;
  readonly screen: Screen;
}

class Foreground {
  private readonly parts: Parts;
  private readonly screen: Screen;
  private readonly stop: Stop;
  /** On the monotonic clock. */
  private readonly deadline: number;
  /** The input that was kept for each run. */
  private input: KeptInput | undefined;
  /** The pid of the present run. */
  private going: number | undefined;
  /** Its processes, once a signal was handed to them. */
  private tree: Tree | undefined;

  constructor(parts: Parts) {
    const { options, origin, screen, wakeup } = parts;
    this.parts = parts;
    this.screen = screen;
    this.deadline = monotonic() + (options.timeout ?? Number.POSITIVE_INFINITY) * SECOND_MS;
    this.stop = takeSignals(origin.ignored, {
      passOn: (signal) => this.passOn(signal),
      reach: (signal) => this.reach(signal),
      stopped: () => wakeup.poke(),
    });
  }

  async converge(): Promise<number> {
    const { command, stdin } = this.parts.options;
    const descriptor = stdin ? 0 : manifestDescriptor(command);
    if (descriptor !== undefined) {
      const open = await this.readInput(descriptor);
      if (!open) return this.exitCode(NOT_BEGUN, 'nothing is pending');
      this.input = { descriptor, open };
    }
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

  /** Reads the input to its end; undefined where a signal or the end of `--timeout` comes first. */
  private async readInput(descriptor: number): Promise<KeptInput['open'] | undefined> {
    const { origin, wakeup } = this.parts;
    const controller = new AbortController();
    let hasEnded = false;
    const kept = keepInput(descriptor, origin, controller.signal);
    const ended = () => {
      hasEnded = true;
      wakeup.poke();
    };
    void kept.then(ended, ended);
    const isOver = () => this.stop.signal !== undefined || monotonic() >= this.deadline;
    while (!hasEnded && !isOver()) await wakeup.sleep(this.deadline - monotonic());
    if (!isOver()) return kept;
    controller.abort();
    await kept.catch(() => {});
    return undefined;
  }

  private exitCode(end: CommandEnd, over: Over): number {
    const limitReached = over === 'limit reached' || this.parts.convergence.limitReached;
    const timeOver = over === 'time over' || monotonic() >= this.deadline;
    const code = exitCodeOf(end, { stopped: this.stop.signal, timeOver, limitReached });
    if (this.stop.signal !== undefined || end.kind === 'not started') return code;
    if (timeOver)
      this.screen.say(
        `the ${this.parts.options.timeout} s of --timeout are over${over === 'time over' ? ', and a rerun is still pending' : ''}`,
      );
    else if (code === LIMIT_REACHED && limitReached)
      this.screen.say(
        `the limit of ${this.parts.convergence.limit} reruns is reached, and another one is wanted`,
      );
    return code;
  }

  /** One run of the command, from its start to its end. */
  private async run(): Promise<CommandEnd> {
    const input = this.input && { descriptor: this.input.descriptor, from: this.input.open() };
    const { pid, ended } = startCommand({
      command: this.parts.options.command,
      environment: this.environment(),
      origin: this.parts.origin,
      input,
    });
    if (input) closeSync(input.from);
    this.going = pid;
    this.parts.shown.heldUp = `the end of its command, pid ${pid}`;
    if (this.parts.convergence.entries.length > 0) this.parts.changed();
    let end: CommandEnd | undefined;
    void ended.then((how) => {
      end = how;
      this.parts.wakeup.poke();
    });
    let killed = 0;
    for (;;) {
      // A wrapper that a signal has ended may have left its Puppet.
      const isLeft = this.tree?.handOn() === true;
      if (end && !isLeft) break;
      const now = monotonic();
      this.noteEnds(now);
      const { killAfter = Number.POSITIVE_INFINITY } = this.parts.options;
      const killAt = this.deadline + killAfter * SECOND_MS + (killed > 0 ? LAST_WORDS_MS : 0);
      if (now >= killAt && killed < 2) {
        const above = [...(end || pid === undefined ? [] : [pid]), ...(this.tree?.left() ?? [])];
        for (const one of new Set(above.flatMap(withDescendants)))
          this.send(killed === 0 ? 'SIGTERM' : 'SIGKILL', one);
        killed += 1;
        continue;
      }
      const isWatching = this.parts.convergence.entries.some(isGoing);
      const pause = isWatching || this.tree ? LOOK_MS : 60_000;
      await this.parts.wakeup.sleep(Math.min(pause, Math.max(1, killAt - now)));
    }
    this.going = undefined;
    this.parts.shown.heldUp = undefined;
    this.parts.convergence.lookAgain(monotonic());
    this.noteEnds(monotonic());
    if (this.parts.convergence.entries.length > 0) this.parts.changed();
    return end;
  }

  /** Passes a signal on to the present run. */
  private passOn(signal: NodeJS.Signals): void {
    if (this.going === undefined) return;
    this.tree ??= this.treeOf(this.going);
    this.tree.pass(signal);
  }

  /** Hands a signal of the terminal to what the terminal has not reached of the present run, and then waits for that as well. */
  private reach(signal: NodeJS.Signals): void {
    if (this.going === undefined) return;
    const tree = this.tree ?? this.treeOf(this.going);
    if (tree.reach(signal)) this.tree = tree;
  }

  private treeOf(pid: number): Tree {
    return treeOf(pid, (signal, one) => this.send(signal, one));
  }

  /** Sends a signal to a process of the run. One that sudo has made another user's does not get it. */
  private send(signal: NodeJS.Signals, pid: number): void {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EPERM')
        this.screen.say(`pid ${pid} cannot be sent ${signal}, since it is another user's`);
    }
  }

  private noteEnds(now: number): void {
    const { convergence, runs, changed } = this.parts;
    const before = convergence.entries;
    convergence.noteEnds(now, isAlive, runs.isBrokenOff);
    if (convergence.entries !== before) changed();
  }

  /** The environment of a run of the command: this process's own, its channel, and in a rerun its chain. */
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
  private untilDue(): Promise<Over | undefined> {
    const { convergence, looker, wakeup, runs, listener, shown, changed } = this.parts;
    return untilDue({
      convergence,
      looker,
      wakeup,
      screen: this.screen,
      stop: this.stop,
      deadline: this.deadline,
      noteEnds: (now) => this.noteEnds(now),
      findObstacle: createObstacles(runs.disabledFiles),
      drain: () => listener.drain(),
      heldUp(because) {
        if (because === shown.heldUp) return;
        shown.heldUp = because;
        changed();
      },
      changed,
    });
  }
}
