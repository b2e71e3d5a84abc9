import { monotonic } from '../../os/clock.ts';
import { oneLine } from '../../os/refusal.ts';
import { SECOND_MS } from '../../os/second.ts';
import { type Condition, wordsOf } from '../../schedule/condition.ts';
import type { Entry } from '../../schedule/entry.ts';
import type { LookContext } from './answer.ts';
import { createQueue, type Found, look, type Queue } from './look.ts';
import { type PathWatch, watchPath } from './path-watch.ts';

/** How far the looks at one condition have come. */
export interface Looks {
  /** How often it was looked at. */
  readonly looks: number;
  /** When a look ended last, in milliseconds of the monotonic clock. */
  readonly at: number;
  /** The result of that look, in words. */
  readonly answer: string;
}

/** Looks at all conditions of one waiter, beside all else that the waiter does. */
export interface Looker {
  /** Looks at just these. Looks at others end, with what they have started. */
  lookAt(awaited: readonly Entry[]): void;
  /** Ends all looks, and waits until nothing is left that they have started. Returns whether there were any. */
  close(): Promise<boolean>;
}

export interface LookerOptions {
  /** The words that an id names; undefined where they are lost. */
  readonly words: (id: string) => Condition | undefined;
  /** Of the notifying run of an entry. */
  readonly surroundings: (id: string) => Pick<LookContext, 'environment' | 'directory'>;
  /** Called when these hold, from this time of the monotonic clock on. */
  readonly met: (ids: readonly string[], at: number) => void;
  /** Called after each look. */
  readonly looked?: (ids: readonly string[], looks: Looks) => void;
  /** Called once where a command can't be started. */
  readonly unstartable?: (ids: readonly string[], because: string) => void;
  /** Milliseconds that a command may take at this interval. Default: 30 s, or the interval where that is longer */
  readonly commandMs?: (interval: number) => number;
}

const LONGEST_COMMAND_MS = 30 * SECOND_MS;

export function createLooker(options: LookerOptions): Looker {
  const { words } = options;
  const commands = createQueue();
  const watches = new Map<string, Watch>();
  const ending = new Set<Promise<void>>();
  const idOf = createIds();

  const end = (key: string, watch: Watch) => {
    watches.delete(key);
    const ended = watch.end().finally(() => ending.delete(ended));
    ending.add(ended);
  };
  return {
    lookAt(awaited) {
      const wanted = new Map<string, { condition: Condition; entries: Entry[] }>();
      const lost: string[] = [];
      for (const entry of awaited) {
        const id = entry.condition?.id ?? '';
        const condition = words(id);
        if (!condition) {
          lost.push(id);
          continue;
        }
        // Those of one record have one environment; below `again run` they may come from runs with different ones.
        const { environment, directory = '' } = options.surroundings(id);
        const key = `${idOf(environment)} ${directory} ${wordsOf(condition)}`;
        const same = wanted.get(key);
        if (same) same.entries.push(entry);
        else wanted.set(key, { condition, entries: [entry] });
      }
      for (const [key, watch] of watches) if (!wanted.has(key)) end(key, watch);
      for (const [key, { condition, entries }] of wanted) {
        const before = watches.get(key);
        if (before && !before.isOver) {
          before.entries = entries;
          continue;
        }
        if (before) end(key, before);
        const watch = new Watch(condition, entries, commands, options);
        watches.set(key, watch);
        watch.begin();
      }
      if (lost.length > 0) options.met(lost, monotonic());
    },
    async close() {
      for (const [key, watch] of watches) end(key, watch);
      if (ending.size === 0) return false;
      await Promise.all(ending);
      return true;
    },
  };
}

/** Gives environments that are equal the same number. Each is written out once: that is garbage of some kilobytes, and looks come every second. */
function createIds(): (environment: LookContext['environment']) => number {
  const byObject = new WeakMap<object, number>();
  const byText = new Map<string, number>();
  return (environment) => {
    const earlier = byObject.get(environment);
    if (earlier !== undefined) return earlier;
    const text = JSON.stringify(environment);
    const id = byText.get(text) ?? byText.size;
    byText.set(text, id);
    byObject.set(environment, id);
    return id;
  };
}

/** The looks at one set of words. */
class Watch {
  entries: readonly Entry[];
  private readonly condition: Condition;
  private readonly commands: Queue;
  private readonly options: LookerOptions;
  private readonly controller = new AbortController();
  private readonly paths: PathWatch;
  private loop: Promise<void> = Promise.resolve();
  private wake: (() => void) | undefined;
  /** Something has happened that is worth a look before its time. */
  private poked = false;
  private looks = 0;
  private toldUnstartable = false;
  /** It has found that they hold, and looks no more. */
  isOver = false;

  constructor(condition: Condition, entries: readonly Entry[], commands: Queue, options: LookerOptions) {
    this.condition = condition;
    this.entries = entries;
    this.commands = commands;
    this.options = options;
    this.paths = watchPath(() => {
      this.poked = true;
      this.wake?.();
    });
  }

  begin(): void {
    this.loop = this.run();
  }

  async end(): Promise<void> {
    this.controller.abort();
    this.paths.close();
    this.wake?.();
    await this.loop;
  }

  private get ids(): string[] {
    return this.entries.map((entry) => entry.condition?.id ?? '');
  }

  private get interval(): number {
    return Math.min(...this.entries.map((entry) => entry.condition?.interval ?? Number.POSITIVE_INFINITY));
  }

  private async run(): Promise<void> {
    const { signal } = this.controller;
    while (!signal.aborted) {
      const began = monotonic();
      this.poked = false;
      const found = await this.look();
      if (signal.aborted) return;
      const at = monotonic();
      this.looks += 1;
      const { answer, missing } = found;
      const says = answer.holds ? 'true' : answer.because;
      this.options.looked?.(this.ids, { looks: this.looks, at, answer: says });
      if (answer.holds) {
        this.isOver = true;
        this.paths.close();
        this.options.met(this.ids, at);
        return;
      }
      if (answer.unstartable && !this.toldUnstartable) {
        this.toldUnstartable = true;
        this.options.unstartable?.(this.ids, answer.because);
      }
      this.paths.refresh(missing);
      await this.sleepUntil(began + this.interval);
    }
  }

  /** An error in a look is an answer, and does not end the looks. */
  private async look(): Promise<Found> {
    const [id = ''] = this.ids;
    const commandMs = (this.options.commandMs ?? commandLimit)(this.interval);
    const context = { ...this.options.surroundings(id), commandMs, signal: this.controller.signal };
    try {
      return await look(this.condition, context, this.commands);
    } catch (error) {
      return { answer: { holds: false, because: `cannot be looked at: ${oneLine(error)}` } };
    }
  }

  private async sleepUntil(time: number): Promise<void> {
    if (this.poked || this.controller.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, time - monotonic()));
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = undefined;
  }
}

/** Milliseconds that a command may take, by the interval between two looks. */
export function commandLimit(interval: number): number {
  return Math.max(LONGEST_COMMAND_MS, interval);
}
