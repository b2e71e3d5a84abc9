import { type Hurry, SECOND_MS } from './place.ts';

/** The evidence of a sequence when everything had come to rest. Times are milliseconds of CLOCK_MONOTONIC. */
export interface Evidence {
  /** The notes of the stub: `TIME PID WHAT …` (stub.ts). */
  readonly events: readonly string[];
  /** The lines for the journal: `TIME PID EVENT: TEXT` (src/os/fault.ts). */
  readonly journal: readonly string[];
  readonly history: readonly Past[];
  /** When a process was sent a signal that may have ended it, and when a run that the test itself started had ended. */
  readonly signalled: ReadonlyMap<number, number>;
  readonly exits: ReadonlyMap<number, number>;
  /** When `again now` was called, when reruns were held, and when the thing that a name waits for was there. */
  readonly hurried: readonly Readonly<Hurry>[];
  readonly holds: readonly Span[];
  readonly there: ReadonlyMap<string, readonly Span[]>;
  /** Whether the state folder was removed: a waiter that still had what it knew may have recorded it again. */
  readonly removed: boolean;
  /** Whether there was no room for a while, and a process was stopped: a record can't be left behind then for a former waiter to see that all of it is done (closeRecord). */
  readonly cramped: boolean;
  /** Names of which nothing need be told: the state folder was removed, and their waiter killed before its next look. */
  readonly exempt: ReadonlySet<string>;
  /** Names of which the waiter may know less than was told: the state folder was removed while it was stopped. */
  readonly unseen: ReadonlySet<string>;
}

/** A span of time, which has not ended where there is no `until`. */
interface Span {
  readonly from: number;
  readonly until?: number;
}

export interface Past {
  readonly id: string;
  readonly pid: number;
  readonly names: readonly (string | null)[];
  readonly failure: string | null;
}

/** A notification that was accepted. */
interface Accepted {
  readonly name: string;
  /** When it was asked for, and when the answer came. */
  readonly asked: number;
  readonly answered: number;
  readonly run: number;
  readonly due: number;
}

interface Run {
  readonly pid: number;
  readonly mode: string;
  readonly kind: string;
  readonly descriptors: number;
  readonly start: number;
  /** Since when it is going: it has its lock. */
  readonly begin: number | undefined;
  readonly end: number | undefined;
}

/** A notification whose launcher or helper was killed before it said a word: it may be recorded or not. Where its delta was not noted, it may be due at any time. */
type Silent = Pick<Accepted, 'name' | 'asked' | 'due'>;

/** How a notification ended. */
interface Fate {
  readonly kind: 'started' | 'satisfied' | 'cancelled' | 'dropped' | 'lost' | 'failed';
  readonly at: number;
  readonly pid: number;
}

/** The stub's clock has steps of 10 ms. */
const STEP_MS = 10;
/** A run that began so shortly before a rerun can't have been seen by it. */
const UNSEEN_MS = 50;

/** The faults of a sequence: one line for each. */
export function account(evidence: Evidence): string[] {
  const runs = readRuns(evidence);
  const { accepted, silent } = readNotifications(evidence, runs);
  const fates = readFates(evidence, runs);
  const wrong: string[] = [];
  for (const name of new Set([...accepted.map((one) => one.name), ...fates.keys()])) {
    const asked = accepted.filter((one) => one.name === name);
    const unanswered = silent.filter((one) => one.name === name);
    const all = [...asked, ...unanswered];
    const ends = toldOnce(fates.get(name) ?? [], all, evidence.cramped);
    const told = ends.map(({ kind, at, pid }) => `${kind} at ${at} by ${pid}`).join(', ');
    const most = all.length;
    if (ends.length > most && !evidence.unseen.has(name))
      wrong.push(`${name}: asked for ${most} times, and ended ${ends.length} times: ${told}`);
    if (!evidence.removed) wrong.push(...endedTwice(name, all, ends));
    const last = asked.at(-1);
    if (!last || evidence.exempt.has(name) || evidence.unseen.has(name)) continue;
    const latest = Math.max(...ends.map(({ at }) => at));
    if (ends.length === 0 || latest + STEP_MS < last.asked)
      wrong.push(
        `${name}: asked for at ${last.asked} by ${last.run}, and nothing came of it; before: ${told || 'nothing'}`,
      );
  }
  return [...wrong, ...tooEarly(evidence, runs, accepted, silent), ...leaked(runs)];
}

/**
 * In order. What is told before it goes is told once more as a loss where its record stayed: there was no room, or its waiter was killed before the record's end. And where things were
 * cramped, a former waiter runs once more what another one has ended.
 */
function toldOnce(ends: readonly Fate[], asked: readonly (Accepted | Silent)[], cramped: boolean): Fate[] {
  const inOrder = ends.toSorted((a, b) => a.at - b.at);
  // The next notification tells of a loss before it is recorded itself.
  const recordedBy = ({ kind, at }: Fate) =>
    kind === 'lost' ? asked.filter((one) => !('answered' in one) || one.answered + STEP_MS < at) : asked;
  return inOrder.filter((end, index) => {
    const before = inOrder[index - 1];
    if (!before || isAskedBetween(recordedBy(end), before, end)) return true;
    return !(isToldFirst(before) && end.kind === 'lost') && !(cramped && before.pid !== end.pid);
  });
}

function isToldFirst({ kind }: Fate): boolean {
  return kind === 'cancelled' || kind === 'dropped';
}

/**
 * Two ends of one name without a notification between them: one that was replaced has ended, too, or one has ended twice. Losses don't count: a process that sees one may
 * tell it much later, with its verdict.
 */
function endedTwice(name: string, asked: readonly (Accepted | Silent)[], all: readonly Fate[]): string[] {
  const ends = all.filter(({ kind }) => kind !== 'lost');
  return ends.slice(1).flatMap((end, index) => {
    const before = ends[index] as Fate;
    if (isAskedBetween(asked, before, end)) return [];
    const told = `${before.kind} at ${before.at}, and ${end.kind} at ${end.at}`;
    return [`${name}: ${told}, and not asked for in between`];
  });
}

/** One that was never answered may have been recorded at any time. */
function isAskedBetween(asked: readonly (Accepted | Silent)[], before: Fate, end: Fate): boolean {
  return asked.some(
    (one) =>
      ('answered' in one ? one.answered : Number.POSITIVE_INFINITY) + STEP_MS >= before.at &&
      one.asked <= end.at + STEP_MS,
  );
}

function readRuns({ events, exits, signalled }: Evidence): Run[] {
  const runs = new Map<number, Run>();
  for (const line of events) {
    const [time = '', pid = '', what, ...rest] = line.split(' ');
    const [at, id] = [Number(time), Number(pid)];
    if (what === 'start') {
      const [mode = '', kind = '', descriptors] = rest;
      // The test hears late of an end; a signal may have come first.
      const ends = [exits.get(id), signalled.get(id)].filter((time) => time !== undefined);
      const end = ends.length > 0 ? Math.min(...ends) : undefined;
      runs.set(id, {
        pid: id,
        mode,
        kind,
        descriptors: Number(descriptors),
        start: at,
        begin: undefined,
        end,
      });
    }
    const run = runs.get(id);
    if (run && what === 'begin') runs.set(id, { ...run, begin: at });
    if (run && what === 'end') runs.set(id, { ...run, end: at });
  }
  return [...runs.values()];
}

function readNotifications(evidence: Evidence, runs: readonly Run[]) {
  const { events } = evidence;
  const waits = new Map<string, { timeout: number; onTimeout: string }>();
  const accepted: Accepted[] = [];
  const silent: Silent[] = [];
  const open = new Map<string, number>();
  for (const line of events) {
    const [time = '', pid = '', what, name = '', code, delta, ...more] = line.split(' ');
    if (what === 'waits')
      waits.set(`${pid} ${name}`, { timeout: Number(code) * SECOND_MS, onTimeout: delta ?? '' });
    if (what === 'asks') {
      open.set(`${pid} ${name}`, Number(time));
    }
    if (what !== 'asked') continue;
    const asked = open.get(`${pid} ${name}`) ?? Number(time);
    // A launcher or a helper that was killed has said nothing; what was recorded stays, or is told as lost.
    open.delete(`${pid} ${name}`);
    const isSilent = code === 'silent' || Number(code) >= 128;
    if (code !== '0' && !isSilent) continue;
    const ended = runs.find((run) => run.pid === Number(pid))?.end ?? Number(time);
    const counted = more.includes('--start-timer-now') ? asked : ended;
    const over = Math.max(counted + Number(delta) * SECOND_MS, ended);
    const wait = waits.get(`${pid} ${name}`);
    const ready = wait
      ? readyTime(name, evidence, over, wait.onTimeout === 'run' ? ended + wait.timeout : undefined)
      : over;
    const hurries = evidence.hurried.filter((one) => one.name === name && one.until >= asked);
    const due = Math.min(ready, ...hurries.map(({ from }) => Math.max(from, ended)));
    if (isSilent) silent.push({ name, asked, due });
    else accepted.push({ name, asked, answered: Number(time), run: Number(pid), due });
  }
  silent.push(...[...open].map(([key, asked]) => ({ name: key.split(' ')[1] ?? '', asked, due: 0 })));
  return { accepted, silent };
}

/** When the condition of a name can have been seen to hold, or its time was over. */
function readyTime(
  name: string,
  { there, journal }: Evidence,
  from: number,
  timeout: number | undefined,
): number {
  const mayCountAsTrue = journal.some(
    (line) => line.includes(' ready: ') && line.includes(name) && line.endsWith(' counts as true'),
  );
  if (mayCountAsTrue) return from;
  const seen = there.get(name)?.find(({ until = Number.POSITIVE_INFINITY }) => until >= from);
  return Math.min(
    timeout ?? Number.POSITIVE_INFINITY,
    Math.max(seen?.from ?? Number.POSITIVE_INFINITY, from),
  );
}

/** How each name ended, each time that it did. */
function readFates({ journal, history, signalled }: Evidence, runs: readonly Run[]): Map<string, Fate[]> {
  const fates = new Map<string, Fate[]>();
  const note = (name: string, fate: Fate) => fates.set(name, [...(fates.get(name) ?? []), fate]);
  const has = (name: string, kind: Fate['kind'], pid: number) =>
    fates.get(name)?.some((fate) => fate.kind === kind && fate.pid === pid);
  for (const line of journal) {
    const match = /^(\d+) (\d+) (started|satisfied|cancelled|dropped|lost|failed): ([^:]*)(: .*)?$/.exec(
      line,
    );
    if (!match) continue;
    const [, time, id, kind, names = '', text = ''] = match;
    const pid = Number(id);
    // One that Puppet skipped, since the agent was disabled during its start, has started before.
    if (kind === 'failed' && text.startsWith(': skipped by Puppet: ')) continue;
    if (kind === 'started' && !runs.some((run) => run.pid === pid)) continue; // history tells what became of it
    const at = kind === 'started' ? (takenAt(journal, pid, Number(time)) ?? Number(time)) : Number(time);
    for (const name of names.split(', ')) {
      if (text === ': cancelled' && has(name, 'cancelled', pid)) continue;
      note(name, { kind: kind as Fate['kind'], at, pid });
    }
  }
  for (const { pid, names, failure, id } of history) {
    // One that was ended after its execve, and before it has said a word, looks like a Puppet that tells its log elsewhere.
    const became = signalled.has(pid) && journal.some((line) => line.includes(` ${pid} started: `));
    const ran = runs.find((run) => run.pid === pid);
    const start = ran?.start ?? (became ? signalled.get(pid) : undefined);
    for (const name of names) {
      if (name === null) continue;
      if (failure === null) {
        if (start !== undefined && !has(name, 'started', pid))
          note(name, { kind: 'started', at: start, pid });
        if (start === undefined)
          note(`${name} in the history as ${id}, which never ran and of which nothing is told`, {
            kind: 'started',
            at: 0,
            pid,
          });
      } else if (!ran) {
        // The history alone tells of one that was killed on its way to Puppet.
        const taken = takenAt(journal, pid, Number.POSITIVE_INFINITY) ?? 0;
        const isTold = ({ kind, at }: Fate) => at >= taken && kind !== 'satisfied' && kind !== 'started';
        if (!fates.get(name)?.some(isTold)) note(name, { kind: 'lost', at: Number.POSITIVE_INFINITY, pid });
      }
    }
  }
  return fates;
}

/** When what a process starts was taken out of the record, under a lock: it may have been stopped since, and tell it late. */
function takenAt(journal: readonly string[], pid: number, before: number): number | undefined {
  const looks = journal
    .filter((line) => line.endsWith(` ${pid} last look`))
    .map((line) => Number.parseInt(line, 10));
  return looks.findLast((at) => at <= before);
}

/** Reruns that started before they were due, or while a run was going. */
function tooEarly(
  { journal, history, holds, removed }: Evidence,
  runs: readonly Run[],
  accepted: readonly Accepted[],
  silent: readonly Silent[],
): string[] {
  const wrong: string[] = [];
  for (const rerun of runs.filter(({ kind }) => kind === 'rerun')) {
    const timesOf = (what: string) =>
      journal
        .filter((line) => line.endsWith(` ${rerun.pid} ${what}`))
        .map((line) => Number.parseInt(line, 10));
    const looked = timesOf('last look');
    const last = looked.filter((at) => at <= rerun.start + STEP_MS).at(-1);
    const seen =
      timesOf('looked')
        .filter((at) => at <= rerun.start + STEP_MS)
        .at(-1) ?? rerun.start;
    if (last === undefined) {
      wrong.push(`rerun ${rerun.pid} started without a look`);
      continue;
    }
    for (const { from, until = Number.POSITIVE_INFINITY } of holds)
      if (last > from + STEP_MS && last < until)
        wrong.push(`rerun ${rerun.pid} started at ${last}, while all were held from ${from} to ${until}`);
    const names = history.filter(({ pid }) => pid === rerun.pid).flatMap(({ names }) => names);
    for (const name of names) {
      const asked = accepted.filter((one) => one.name === name && one.asked <= last + STEP_MS);
      const unanswered = silent.filter((one) => one.name === name && one.asked <= last + STEP_MS);
      const isUnsure = removed || unanswered.length > 0;
      const pending = isUnsure ? [...asked, ...unanswered] : notReplaced(asked, last);
      const due = Math.min(...pending.map((one) => one.due));
      if (asked.length > 0 && last + 2 * STEP_MS < due)
        wrong.push(`rerun ${rerun.pid} of ${name} started at ${last}, before it was due at ${due}`);
    }
    for (const other of runs) {
      if (other.pid === rerun.pid || other.begin === undefined) continue;
      if (other.begin + UNSEEN_MS < last && (other.end ?? Number.POSITIVE_INFINITY) > seen + STEP_MS)
        wrong.push(
          `rerun ${rerun.pid} started at ${last} while ${other.kind} ${other.pid} was going from ${other.begin} to ${other.end}`,
        );
    }
  }
  return wrong;
}

/** Those of one name's notifications that may be the one that was pending at a time: no later one had replaced it by then. */
function notReplaced(asked: readonly Accepted[], at: number): Accepted[] {
  return asked.filter(
    (one) => !asked.some((other) => other.asked >= one.answered && other.answered + STEP_MS <= at),
  );
}

/** Reruns that have more descriptors open than the runs that they repeat. */
function leaked(runs: readonly Run[]): string[] {
  const usual = Math.max(...runs.filter(({ kind }) => kind === 'run').map(({ descriptors }) => descriptors));
  return runs
    .filter(({ kind, descriptors }) => kind === 'rerun' && descriptors > usual)
    .map(({ pid, descriptors }) => `rerun ${pid} has ${descriptors} descriptors, and a run ${usual}`);
}
