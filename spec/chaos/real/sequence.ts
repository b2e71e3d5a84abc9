import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { account, type Past } from './account.ts';
import { NAMES, now, Place } from './place.ts';
import { ask, hangs, isRemoval, POINTS, type Step, take } from './steps.ts';

/** How long everything may take to come to rest, in milliseconds; other work may keep the machine busy. */
const REST_MS = 30_000;
/** A process that is no waiter any more ends within this time, not counting that for which the machine is busy. */
const FORMER_MS = 2000;
/** Milliseconds between two looks at what is left. */
const PAUSE_MS = 25;

/** A sequence on a place of its own. */
export class Sequence {
  private readonly place: Place;
  private readonly programs: readonly [string, string];
  private readonly exempt: Exempt;
  private readonly steps: Step[] = [];
  /** All that was seen of it once it has finished, a line for each: what shows why it failed. */
  seen: readonly string[] = [];

  constructor(folder: string, programs: readonly [string, string]) {
    this.programs = programs;
    this.place = new Place(mkdtempSync(join(folder, 'place-')), programs[0]);
    this.exempt = new Exempt(this.place);
  }

  get length(): number {
    return this.steps.length;
  }

  async take(step: Step): Promise<void> {
    this.steps.push(step);
    this.exempt.before(step);
    await take(step, this.place, this.programs);
    this.exempt.after();
  }

  /** Waits until all is at rest, and returns what is wrong: a line for each. */
  async finish(): Promise<string[]> {
    const { place } = this;
    const wrong = await rest(place, this.steps);
    this.exempt.after();
    const evidence = {
      events: place.lines('events'),
      journal: place.lines('again/journal'),
      history: readHistory(place),
      signalled: new Map([...place.struck(), ...place.signalled]),
      exits: place.exits,
      hurried: place.hurried,
      holds: place.holds,
      there: place.there,
      removed: this.steps.some(isRemoval),
      cramped: isCramped(this.steps),
      exempt: this.exempt.names,
      unseen: this.exempt.unseen,
    };
    const all = [...wrong, ...account(evidence)];
    this.seen = [
      ...[...place.lines('told'), ...evidence.events, ...evidence.journal].sort(),
      ...evidence.history.map((past) => JSON.stringify(past)),
      ...readLogs(place),
      ...[...evidence.signalled].map(([pid, at]) => `${at} ${pid} was sent a signal`),
    ];
    return all;
  }

  close(): Promise<void> {
    return this.place.close();
  }
}

/** Whether there may be no room, and a process may be stopped. */
function isCramped(steps: readonly Step[]): boolean {
  const isFull = (one: Step) => one.do === 'fill' || (one.do === 'fault' && one.what.startsWith('throw'));
  const isStop = (one: Step) =>
    (one.do === 'signal' && one.signal === 'SIGSTOP') || (one.do === 'fault' && one.what === 'stop');
  return steps.some(isFull) && steps.some(isStop);
}

/**
 * The cases of which nothing need be told, since the state folder is removed: a waiter was killed before that, or is before it has looked again; or it was stopped
 * (docs/DESIGN.md, "Faults at named points").
 */
class Exempt {
  readonly names = new Set<string>();
  /** Names of which the waiter may know less than was told: no count holds for them. */
  readonly unseen = new Set<string>();
  private readonly place: Place;
  /** Whom a removed record named, and what it held; or a removed file of the history, of one that has become Puppet and has not said a word. */
  private removed: { readonly pid: number; readonly names: readonly string[]; readonly became?: true }[] = [];

  constructor(place: Place) {
    this.place = place;
  }

  before(step: Step): void {
    if (!isRemoval(step)) return;
    // Whose waiter it was that a fault has killed on its way to Puppet, the folder alone could have told.
    if (this.place.struck().size > 0) for (const name of NAMES) this.names.add(name);
    for (const { waiter, entries } of this.place.records())
      this.removed.push({ pid: waiter.pid, names: entries.map((entry) => entry.name ?? '') });
    // All changes since a waiter that is stopped has looked were in its record alone, also that another one has it.
    if (this.place.processes().some(({ state }) => state === 'T'))
      for (const name of NAMES) this.unseen.add(name);
    if (step.do === 'remove-records') return;
    // Of a rerun that died on its way to Puppet, the history alone would have told.
    const seen = new Set(this.place.lines('events').map((line) => Number(line.split(' ')[1])));
    for (const { pid, names } of readHistory(this.place))
      if (!seen.has(pid)) this.removed.push({ pid, names: names.map((name) => name ?? ''), became: true });
  }

  /** Looks who has written its record again, and who can't any more. */
  after(): void {
    const living = new Set(this.place.processes().map(({ pid }) => pid));
    const struck = this.place.struck();
    const written = new Set(this.place.records().map(({ waiter }) => waiter.pid));
    // Puppet, unlike a waiter, ends by any signal.
    const ended = (pid: number, became = false) =>
      struck.has(pid) || (became ? this.place.signalled.has(pid) : this.place.killed.has(pid));
    this.removed = this.removed.filter(({ pid, names, became }) => {
      if (written.has(pid)) return false;
      if (living.has(pid)) return true;
      if (ended(pid, became)) for (const name of names) this.names.add(name);
      return false;
    });
  }
}

/** Undoes what stands in the way, and waits until no process and no record is left. */
async function rest(place: Place, steps: readonly Step[]): Promise<string[]> {
  await take({ do: 'free' }, place, ['', '']);
  await take({ do: 'enable' }, place, ['', '']);
  for (const point of POINTS) rmSync(join(place.home, 'faults', point), { force: true });
  place.endHold();
  const released = await release(place);
  for (const name of NAMES) await place.appear(name);
  const disturbed = steps.some((step) => step.do === 'signal' || step.do === 'fault');
  const wrong = [...(released ? [] : ['`again release` failed']), ...(await quiet(place))];
  // The next process that looks reports the lost entries.
  if (disturbed) {
    place.start(1, 'again last 0\n');
    wrong.push(...(await quiet(place)));
  }
  const left = [
    ...place.list('commands', '.json'),
    ...(disturbed ? [] : [...place.list('', '.tmp'), ...place.list('commands', '.tmp')]),
  ];
  for (const path of left)
    wrong.push(`left over: ${path.slice(place.base.length)} ${readFileSync(path, 'utf8').slice(0, 300)}`);
  return wrong;
}

/** Whether nothing is held any more. One that was about to stop holds the lock until it continues. */
async function release(place: Place): Promise<boolean> {
  for (let n = 0; n < 3; n += 1) {
    goOn(place);
    if (await ask(place, 'release')) return true;
  }
  return false;
}

/** Continues the processes that are stopped: no other one gets the lock of a folder that one of them holds. */
function goOn(place: Place, processes = place.processes()): void {
  for (const { pid, state } of processes) if (state === 'T') place.signal(pid, 'SIGCONT');
}

async function quiet(place: Place): Promise<string[]> {
  const deadline = now() + REST_MS;
  const idle = new Map<number, number>();
  // By how much the pauses of this process, which does little, were too long: so does the machine delay others.
  let busy = 0;
  for (;;) {
    const left = place.processes();
    goOn(place, left);
    // A look that hangs is not ended where its waiter was killed.
    if (place.killed.size + place.struck().size > 0)
      for (const one of left) if (one.parent === 1 && hangs(one)) place.signal(one.pid, 'SIGKILL');
    if (left.length === 0) return [];
    const owners = new Set(place.records().map(({ waiter }) => waiter.pid));
    for (const { pid } of place.waiters()) {
      if (owners.has(pid)) idle.delete(pid);
      else idle.set(pid, idle.get(pid) ?? now() - busy);
      if (now() - busy - (idle.get(pid) ?? now()) > FORMER_MS)
        return [
          `process ${pid} holds no record, and has not ended: ${left.find((one) => one.pid === pid)?.argv.join(' ')}`,
        ];
    }
    if (now() > deadline)
      return [
        `still there after ${REST_MS / 1000} s: ${left.map(({ pid, state, argv }) => `${pid} (${state}) ${argv.join(' ')}`).join('; ')}`,
      ];
    const begun = now();
    await sleep(PAUSE_MS);
    busy += Math.max(0, now() - begun - PAUSE_MS);
  }
}

/** The output of reruns, or of those that could not become one. */
function readLogs(place: Place): string[] {
  return place.list('logs', '.log').flatMap((path) =>
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => `${basename(path)}: ${line}`),
  );
}

function readHistory(place: Place): Past[] {
  return place.list('history', '.json').flatMap((path) => {
    try {
      return [JSON.parse(readFileSync(path, 'utf8')) as Past];
    } catch {
      return [];
    }
  });
}
