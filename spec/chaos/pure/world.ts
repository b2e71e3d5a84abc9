import { formerWaiters, withNotification } from '../../../src/notify/recording.ts';
import { ChainEnded } from '../../../src/os/refusal.ts';
import { backOff } from '../../../src/schedule/chain.ts';
import type { Condition } from '../../../src/schedule/condition.ts';
import {
  BROKEN_OFF_MS,
  dueTime,
  type Entry,
  isDue,
  isSameEntry,
  leftBy,
  timeoutAt,
  withMet,
  withRunEnded,
} from '../../../src/schedule/entry.ts';
import { hurried } from '../../../src/schedule/hurry.ts';
import { awaitedNow, nextStep, notifyingRuns, partition } from '../../../src/schedule/plan.ts';
import { areOfOneLineage, type CommandRecord, jointLineage } from '../../../src/state/records.ts';
import { merged } from '../../../src/wait/record.ts';

/** The commands: two share a chain, as agents do, and two differ in their FACTER variables alone. */
const COMMANDS = [
  { mode: 'agent', facts: '', chainKey: 'agent' },
  { mode: 'agent', facts: 'a', chainKey: 'agent' },
  { mode: 'apply', facts: '', chainKey: 'apply' },
] as const;

const PLACE = { machine: 'm', boot: 'b', pidNamespace: 'p' };
const SETTINGS = {
  burst: 10,
  maxDelay: 1800,
  limit: 40,
  splay: 0,
  grace: 3,
  logdest: 'file',
  rerun: 'command',
  puppetVersion: '8.10.0',
  unsupported: 'fail',
} as const;
/** By how much the end of a run is noticed late; a run that began in that time counts as one that began after it. */
const LATE_MS = 24;
const GRACE_MS = SETTINGS.grace * 1000;

interface SimulatedRun {
  readonly pid: number;
  readonly command: number;
  readonly began: number;
  /** The link of its chain; undefined for a run that `again` has not started. */
  readonly link: { readonly chain: string; readonly link: number } | undefined;
  going: boolean;
  brokenOff: boolean;
  full: boolean;
}

interface SimulatedWaiter {
  readonly pid: number;
  readonly command: number;
  known: CommandRecord;
  stopped: boolean;
  quietUntil: number;
  /** The state folder, when it has last seen its record there. */
  folder: number;
  /** Runs that were going when this waiter has looked, and are to be asked for when they have ended. */
  seen: Set<SimulatedRun>;
  /** The ids of conditions whose words it has; undefined where it has no place for any. */
  words: Set<string> | undefined;
}

export type Fate = 'started' | 'satisfied' | 'replaced' | 'cancelled' | 'lost' | 'dropped';

/** The things that conditions wait for. */
export type Thing = 'a device' | 'a port';

/** A condition of a simulated notification. */
export interface SimulatedCondition {
  readonly thing: Thing;
  /** Seconds. */
  readonly timeout: number;
  readonly onTimeout: Condition['onTimeout'];
}

/** Where the next start is to go wrong. */
export type StartFault =
  | 'none'
  | 'before the record'
  | 'after the record'
  | 'after the hand-over'
  | 'no room';

interface Obstacles {
  readonly disabled: boolean;
  readonly full: boolean;
  readonly fault: StartFault;
}

/**
 * All that happens on one machine, in simulated time: what is decided is decided by src/, what is done is done here, as a waiter (src/wait/waiter.ts) does it. Every rule of the
 * contract that is broken throws.
 */
export class World {
  now = 1000;
  private disabled = false;
  private full = false;
  private fault: StartFault = 'none';
  /** Until when `again hold` holds. */
  private heldUntil = 0;
  private pid = 100;
  /** Which state folder it is: each removal makes another one. */
  private folder = 0;
  private readonly runs: SimulatedRun[] = [];
  private readonly records = new Map<number, CommandRecord>();
  private readonly lastStart = new Map<string, number>();
  private waiters: SimulatedWaiter[] = [];
  /** Each notification that was accepted, and how it ended. */
  private readonly fates = new Map<string, Fate[]>();
  /** The one case of which nothing need be told. */
  private exempt = new Set<string>();
  private readonly things = new Set<Thing>();
  /** The thing that each condition waits for, by its id. */
  private readonly conditions = new Map<string, Thing>();
  /** Ids of conditions that a look has found to hold, or whose words were lost where that cannot be helped. */
  private readonly held = new Set<string>();
  /** Reruns that died on their way to Puppet: the next process that looks reports them. */
  private readonly starting: { readonly command: number; readonly entries: readonly Entry[] }[] = [];

  /** Sets the obstacles from now on, and where the next start goes wrong. */
  set({ disabled = this.disabled, full = this.full, fault = this.fault }: Partial<Obstacles>): void {
    [this.disabled, this.full, this.fault] = [disabled, full, fault];
    this.settle();
  }

  /** `again hold` for so many milliseconds, or `again release`. */
  hold(milliseconds: number): void {
    if (this.full) return;
    this.heldUntil = this.now + milliseconds;
    this.settle();
  }

  /** `again now NAME`, of one command. */
  hurry(command: number, name: string): void {
    const record = this.records.get(command);
    if (!record || this.full || !this.waiterOf(record)) return;
    const entries = record.entries.map((entry) => {
      if (entry.name !== name) return entry;
      if (entry.condition) this.held.add(entry.condition.id); // it counts as met
      return hurried(entry, this.now);
    });
    this.records.set(command, { ...record, entries });
    this.settle();
  }

  startRun(command: number, link?: SimulatedRun['link']): SimulatedRun | undefined {
    const run = {
      pid: this.nextPid(),
      command,
      began: this.now,
      link,
      going: true,
      brokenOff: false,
      full: true,
    };
    const { mode } = COMMANDS[command] ?? COMMANDS[0];
    // Puppet's own affair: the second of two agents finds the lock.
    if (mode === 'agent' && this.going().some((other) => COMMANDS[other.command]?.mode === 'agent'))
      return undefined;
    this.runs.push(run);
    return run;
  }

  going(): SimulatedRun[] {
    return this.runs.filter((run) => run.going);
  }

  endRun(run: SimulatedRun, how: 'success' | 'failure' | 'broken off'): void {
    run.going = false;
    run.full = how === 'success';
    run.brokenOff = how === 'broken off';
    this.settle();
  }

  /** Something comes or goes. */
  setThing(thing: Thing, isThere: boolean): void {
    if (isThere) this.things.add(thing);
    else this.things.delete(thing);
    this.settle();
  }

  notify(
    run: SimulatedRun,
    name: string,
    delta: number,
    startTimerNow: boolean,
    condition?: SimulatedCondition,
  ): void {
    this.advance(1);
    this.sweep(run.command);
    if (this.full) return;
    const { mode, facts, chainKey } = COMMANDS[run.command] ?? COMMANDS[0];
    const mine = this.records.get(run.command);
    const former = mine && this.waiterOf(mine);
    const served =
      mine !== undefined &&
      mine.run.pid === run.pid &&
      former !== undefined &&
      (condition === undefined || former.words !== undefined);
    const waiter = this.nextPid();
    const id = `c${waiter}`;
    const records = new Map([...this.records].map(([command, record]) => [String(command), record]));
    let made: CommandRecord;
    try {
      made = withNotification(
        {
          request: { name, delta, startTimerNow, ...(condition && { condition: wordsOf(condition) }) },
          run: { process: { pid: run.pid, start: 0 } } as Parameters<typeof withNotification>[0]['run'],
          outer: undefined,
          command: {
            mode,
            executable: 'ruby',
            argv: [],
            directory: '/',
            user: 0,
          } as unknown as CommandRecord['command'],
          facts,
          chainKey,
          link: run.link,
          grace: run.link === undefined ? GRACE_MS : 0,
          settings: SETTINGS,
          context: { id: String(run.command), puppet: { lockFile: 'l', disabledFile: 'd' } } as Parameters<
            typeof withNotification
          >[0]['context'],
          records,
          overwritten: mine,
        },
        {
          now: this.now,
          began: run.began,
          random: 0,
          served,
          self: { pid: waiter, start: 0 },
          former: formerWaiters(mine, served).filter((one) => this.isWaiting(one.pid)),
          place: PLACE,
          log: `log${waiter}.log`,
          chain: String(waiter),
          lineage: id,
          condition: id,
        },
      );
    } catch (error) {
      if (error instanceof ChainEnded) return;
      throw error;
    }
    const added = made.entries.at(-1) as Entry;
    for (const entry of mine?.entries ?? [])
      if (isSameEntry(entry, added)) this.end(run.command, [entry], 'replaced');
    this.fates.set(tokenOf(run.command, added), []);
    this.records.set(run.command, made);
    if (condition) this.conditions.set(id, condition.thing);
    const isTaken = made.waiter.pid === waiter;
    if (isTaken) this.addWaiter(waiter, run.command, made, this.wordsFor(made, former, condition && id));
    else if (condition) former?.words?.add(id);
    for (const entry of mine?.entries ?? [])
      if (!isSameEntry(entry, added) && !made.entries.includes(entry))
        throw new Error(`${entry.name} went with a notification`);
    this.settle();
  }

  /** The words that a waiter gets with a record: as `handOver` of src/notify/notification.ts hands them over. */
  private wordsFor(
    made: CommandRecord,
    former: SimulatedWaiter | undefined,
    added: string | undefined,
  ): Set<string> | undefined {
    const needed = made.entries.flatMap(({ condition }) =>
      condition && condition.metAt === undefined ? [condition.id] : [],
    );
    if (needed.length === 0) return undefined;
    return new Set(needed.filter((id) => id === added || former?.words?.has(id)));
  }

  /** Lets time pass, from one thing that is due to the next. */
  advance(milliseconds: number): void {
    const until = this.now + milliseconds;
    this.settle();
    for (let at = this.nextTime(); at <= until; at = this.nextTime()) {
      this.now = at;
      this.settle();
    }
    this.now = until;
    this.settle();
  }

  cancel(command: number, name: string): void {
    const record = this.records.get(command);
    if (!record || this.full || !this.waiterOf(record)) return;
    const [gone, left] = [
      record.entries.filter((entry) => entry.name === name),
      record.entries.filter((entry) => entry.name !== name),
    ];
    this.end(command, gone, 'cancelled');
    this.records.set(command, { ...record, entries: left });
    this.settle();
  }

  /** SIGKILL, SIGTERM, SIGSTOP or SIGCONT for a waiter. */
  signal(which: number, signal: 'kill' | 'term' | 'stop' | 'cont'): void {
    const waiter = this.waiters[which % Math.max(1, this.waiters.length)];
    if (!waiter) return;
    if (signal === 'stop' || signal === 'cont') waiter.stopped = signal === 'stop';
    if (signal === 'term' && !waiter.stopped && !this.full) {
      const record = this.records.get(waiter.command);
      if (!record || record.waiter.pid === waiter.pid) {
        this.end(waiter.command, (record ?? waiter.known).entries, 'cancelled');
        if (record) this.closeRecord(waiter.command, record);
      }
      this.remove(waiter);
    }
    if (signal === 'kill') {
      if (waiter.folder !== this.folder) this.excuse(waiter.command, waiter.known.entries);
      this.remove(waiter);
    }
    this.settle();
  }

  removeState(): void {
    for (const [command, record] of this.records) {
      const waiter = this.waiterOf(record);
      // A former waiter that lives finds no record either: which of the two comes first can't be said.
      if (record.former?.some(({ pid }) => this.isWaiting(pid)))
        for (const entry of [...record.entries, ...(waiter?.known.entries ?? [])])
          this.fates.delete(tokenOf(command, entry));
      else if (!waiter) this.excuse(command, record.entries);
      else this.forgetUnseen(waiter, record);
    }
    // A former waiter that is stopped can't know any more that another one has it.
    for (const { pid, command, known } of this.waiters)
      if (this.records.get(command)?.waiter.pid !== pid)
        for (const entry of known.entries) this.fates.delete(tokenOf(command, entry));
    for (const { command, entries } of this.starting) this.excuse(command, entries);
    this.starting.length = 0;
    this.records.clear();
    this.heldUntil = 0;
    this.folder += 1;
    this.lastStart.clear();
    this.settle();
  }

  /** All changes since a waiter that is stopped has looked were in the record alone: it knows the entries from before that. */
  private forgetUnseen(waiter: SimulatedWaiter, record: CommandRecord): void {
    const { entries } = waiter.known;
    this.excuse(
      waiter.command,
      record.entries.filter((entry) => !entries.some((known) => tokenOf(0, known) === tokenOf(0, entry))),
    );
    for (const entry of entries) this.fates.get(tokenOf(waiter.command, entry))?.splice(0);
  }

  /** Undoes what stands in the way, lets everything end, and holds the world to what was promised. */
  finish(): void {
    [this.disabled, this.full, this.fault] = [false, false, 'none'];
    this.heldUntil = 0;
    for (const waiter of this.waiters) waiter.stopped = false;
    for (let round = 0; this.waiters.length > 0 || this.going().length > 0; round += 1) {
      if (round > 500) throw new Error(`${this.waiters.length} waiters never end`);
      for (const run of this.going()) this.endRun(run, 'failure');
      const next = this.nextTime();
      this.advance(Number.isFinite(next) ? next - this.now : 1000);
    }
    this.sweep(undefined);
    if (this.records.size > 0) throw new Error(`${this.records.size} records are left`);
    for (const [token, fates] of this.fates)
      if (fates.length !== 1 && !(this.exempt.has(token) && fates.length === 0))
        throw new Error(`${token} ended ${fates.length} times: ${fates.join(', ')}`);
  }

  /** Has every waiter do what comes next, until nothing does. */
  private settle(): void {
    for (let round = 0; ; round += 1) {
      if (round > 1000) throw new Error('waiters keep each other busy');
      if (
        !this.waiters.some((waiter) => !waiter.stopped && this.waiters.includes(waiter) && this.step(waiter))
      )
        return;
    }
  }

  /** One step of a waiter; whether that changed anything. */
  private step(waiter: SimulatedWaiter): boolean {
    const record = this.records.get(waiter.command);
    if (!record) {
      if (this.full) return false;
      this.records.set(waiter.command, waiter.known);
      return true;
    }
    if (record.waiter.pid !== waiter.pid) {
      if (!areOfOneLineage(record, waiter.known)) {
        if (this.full) return false;
        this.handOver(waiter, record);
      }
      this.remove(waiter);
      return true;
    }
    waiter.known = record;
    waiter.folder = this.folder;
    if (this.look(waiter, record)) return true;
    const next = nextStep(record.entries, this.now);
    if (next.kind === 'drop') {
      if (this.full) return false;
      for (const entry of next.entries)
        if (this.now < (timeoutAt(entry) ?? Number.POSITIVE_INFINITY))
          throw new Error(`${entry.name} is dropped before its time is over`);
      this.end(waiter.command, next.entries, 'dropped');
      const entries = record.entries.filter((entry) => !next.entries.includes(entry));
      this.records.set(waiter.command, { ...record, entries });
      return true;
    }
    if (next.kind === 'finish') {
      if (this.full) return false;
      this.remove(waiter);
      this.closeRecord(waiter.command, record);
      return true;
    }
    if (next.kind === 'await-run')
      return notifyingRuns(record.entries).some(({ pid }) => this.noteRunEnd(waiter, record, pid));
    if (next.kind !== 'rerun') return false;
    return (
      this.isSatisfied(waiter, record) ||
      (!this.isBlocked(waiter, record, next.notBefore) && this.start(waiter, record))
    );
  }

  /** Looks at all conditions that are awaited; whether that has found something new. */
  private look(waiter: SimulatedWaiter, record: CommandRecord): boolean {
    if (this.full) return false;
    const met = new Map<string, number>();
    for (const { condition } of awaitedNow(record.entries, this.now)) {
      const id = condition?.id ?? '';
      if (!waiter.words?.has(id)) {
        if (!this.held.has(id)) throw new Error(`the words of ${id} are lost`);
      } else if (!this.things.has(this.conditions.get(id) as Thing)) continue;
      this.held.add(id);
      met.set(id, this.now);
    }
    if (met.size === 0) return false;
    this.records.set(waiter.command, { ...record, entries: withMet(record.entries, met) });
    return true;
  }

  /** Whether a condition was seen to hold, or its time is over and it runs then; by other means than src/ has. */
  private mayStart({ condition, runEndedAt = Number.POSITIVE_INFINITY }: Entry): boolean {
    if (!condition) return true;
    if (condition.metAt !== undefined) return this.held.has(condition.id);
    return condition.onTimeout === 'run' && this.now >= runEndedAt + condition.timeout;
  }

  /** The state folder was removed, and another waiter began again. */
  private handOver(waiter: SimulatedWaiter, record: CommandRecord): void {
    const entries = merged(waiter.known.entries, record.entries);
    const other = this.waiterOf(record);
    for (const id of waiter.words ?? []) {
      if (other?.words) other.words.add(id);
      else this.held.add(id); // no place for them there: it counts as met
    }
    this.end(
      waiter.command,
      waiter.known.entries.filter((entry) => !entries.includes(entry)),
      'replaced',
    );
    this.records.set(waiter.command, { ...record, lineage: jointLineage(waiter.known, record), entries });
  }

  private noteRunEnd(waiter: SimulatedWaiter, record: CommandRecord, pid: number): boolean {
    const run = this.runs.find((one) => one.pid === pid);
    if (run?.going || this.full) return false;
    const end = { at: this.now, late: LATE_MS, brokenOff: run?.brokenOff ?? false };
    let entries = withRunEnded(record.entries, { pid, start: 0 }, end);
    if (run?.full) entries = this.withoutDone(waiter.command, entries, run);
    this.records.set(waiter.command, { ...record, entries });
    return true;
  }

  private withoutDone(command: number, entries: readonly Entry[], run: SimulatedRun): Entry[] {
    const left = leftBy(entries, { id: { pid: run.pid, start: 0 }, began: run.began });
    const done = entries.filter((entry) => !left.includes(entry));
    for (const entry of done)
      if ((dueTime(entry) ?? Number.POSITIVE_INFINITY) > run.began + LATE_MS)
        throw new Error(`${entry.name} was not due when run ${run.pid} began`);
    this.end(command, done, 'satisfied');
    return left;
  }

  /** Looks who is going, and what those have done that were going before. */
  private isSatisfied(waiter: SimulatedWaiter, record: CommandRecord): boolean {
    const ended = [...waiter.seen].filter((run) => !run.going);
    waiter.seen = new Set(this.going().filter((run) => run.command === waiter.command));
    const run = ended.find((one) => one.full);
    if (!run || this.full) return false;
    const entries = this.withoutDone(waiter.command, record.entries, run);
    if (entries.length === record.entries.length) return false;
    this.records.set(waiter.command, { ...record, entries });
    waiter.quietUntil = Math.max(waiter.quietUntil, this.now + GRACE_MS);
    return true;
  }

  private isBlocked(waiter: SimulatedWaiter, record: CommandRecord, notBefore: number): boolean {
    const going = this.going();
    if (going.some((run) => run.link === undefined))
      waiter.quietUntil = Math.max(waiter.quietUntil, this.now + GRACE_MS);
    if (going.length > 0 || this.full || this.now < this.heldUntil) return true;
    if (record.command.mode === 'agent' && this.disabled) return true;
    return Math.max(notBefore, waiter.quietUntil, this.spacedUntil(record)) > this.now;
  }

  private spacedUntil(record: CommandRecord): number {
    if (record.entries.some((entry) => entry.hurried && isDue(entry, this.now))) return 0;
    const distance = backOff(Math.max(...record.entries.map((entry) => entry.link)), SETTINGS) * 1000;
    return distance === 0 ? 0 : (this.lastStart.get(record.chainKey) ?? Number.NEGATIVE_INFINITY) + distance;
  }

  private start(waiter: SimulatedWaiter, record: CommandRecord): boolean {
    const { due, later } = partition(record.entries, this.now);
    const { fault } = this;
    this.fault = 'none';
    if (fault === 'no room') return true;
    if (fault === 'before the record') {
      this.remove(waiter);
      return true;
    }
    if (fault === 'after the hand-over' && later.length > 0) {
      // The successor is in the record, and dies before it is told: the record is taken back.
      this.records.set(waiter.command, record);
      return true;
    }
    if (this.now < this.heldUntil) throw new Error('a rerun starts while all are held');
    for (const entry of due) {
      if ((dueTime(entry) ?? Number.POSITIVE_INFINITY) > this.now)
        throw new Error(`${entry.name} starts before it is due`);
      const ended = this.runs.find((run) => run.pid === entry.run.pid);
      if (ended?.going) throw new Error(`${entry.name} starts while its run is going`);
      if (entry.condition && !this.mayStart(entry))
        throw new Error(`${entry.name} starts before its condition holds`);
      if (entry.brokenOff && this.now < (entry.runEndedAt ?? 0) + BROKEN_OFF_MS)
        throw new Error(`${entry.name} starts too soon after a run that was broken off`);
    }
    this.lastStart.set(record.chainKey, this.now);
    this.remove(waiter);
    if (later.length === 0) this.closeRecord(waiter.command, record);
    else {
      const successor = this.nextPid();
      const left = {
        ...record,
        waiter: { pid: successor, start: 0 },
        entries: later,
        log: `log${successor}.log`,
      };
      this.records.set(waiter.command, left);
      this.addWaiter(successor, waiter.command, left, waiter.words);
    }
    if (fault === 'after the record') {
      this.starting.push({ command: waiter.command, entries: due });
      return true;
    }
    this.end(waiter.command, due, 'started');
    const link = { chain: record.chain, link: Math.max(...due.map((entry) => entry.link)) };
    if (!this.startRun(waiter.command, link))
      throw new Error('a rerun starts while another agent has the lock');
    return true;
  }

  /** The work of the next process that looks, with the records of dead waiters, and with reruns that died. */
  private sweep(replaced: number | undefined): void {
    if (this.full) return;
    for (const { command, entries } of this.starting) this.end(command, entries, 'lost');
    this.starting.length = 0;
    for (const [command, record] of this.records) {
      if (this.waiterOf(record) || this.isClosed(record)) continue;
      this.end(command, record.entries, 'lost');
      this.closeRecord(command, record);
    }
    if (replaced !== undefined) this.settle();
  }

  /** The next time at which a waiter has something to do. */
  private nextTime(): number {
    const times = this.waiters
      .filter((waiter) => !waiter.stopped)
      .flatMap((waiter) => {
        const record = this.records.get(waiter.command);
        if (record?.waiter.pid !== waiter.pid) return [];
        const next = nextStep(record.entries, this.now);
        if (next.kind === 'await-time' || next.kind === 'look') return [next.until];
        if (next.kind === 'rerun')
          return [Math.max(next.notBefore, waiter.quietUntil, this.spacedUntil(record), this.heldUntil)];
        return [];
      });
    return Math.min(...times.filter((time) => time > this.now));
  }

  private end(command: number, entries: readonly Entry[], fate: Fate): void {
    for (const entry of entries) this.fates.get(tokenOf(command, entry))?.push(fate);
  }

  private excuse(command: number, entries: readonly Entry[]): void {
    for (const entry of entries) this.exempt.add(tokenOf(command, entry));
  }

  private waiterOf(record: CommandRecord): SimulatedWaiter | undefined {
    return this.waiters.find(({ pid }) => pid === record.waiter.pid);
  }

  private isWaiting(pid: number): boolean {
    return this.waiters.some((waiter) => waiter.pid === pid);
  }

  private isClosed({ entries, former }: CommandRecord): boolean {
    return entries.length === 0 && former?.some(({ pid }) => this.isWaiting(pid)) === true;
  }

  private closeRecord(command: number, record: CommandRecord): void {
    const closed = { ...record, entries: [] };
    if (this.isClosed(closed)) this.records.set(command, closed);
    else this.records.delete(command);
  }

  private addWaiter(
    pid: number,
    command: number,
    known: CommandRecord,
    words: Set<string> | undefined,
  ): void {
    this.waiters.push({
      pid,
      words,
      command,
      known,
      stopped: false,
      quietUntil: 0,
      folder: this.folder,
      seen: new Set(),
    });
  }

  private remove(waiter: SimulatedWaiter): void {
    this.waiters = this.waiters.filter((one) => one !== waiter);
  }

  private nextPid(): number {
    this.pid += 1;
    return this.pid;
  }
}

function wordsOf({ thing, timeout, onTimeout }: SimulatedCondition): Condition {
  const path = `/${thing}`;
  return {
    exists: [path],
    connects: [],
    succeeds: undefined,
    sensitive: false,
    interval: 5,
    timeout,
    onTimeout,
  };
}

/** Names one notification: no two come in the same millisecond. */
function tokenOf(command: number, entry: Entry): string {
  return `${command}/${entry.name} of ${entry.notifiedAt}`;
}
