import { type ChildProcess, execFile } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { COMMANDS, type Hurry, nameOf, now, type Place, type Process } from './place.ts';

/** One thing that happens in a sequence; plain data, so that a sequence can be kept and told again. */
export type Step =
  /** A run of a command: `notify` is its request; a run that is not awaited continues beside the next steps. */
  | {
      readonly do: 'run';
      readonly command: number;
      /** Milliseconds before and after what it asks for. */
      readonly before: number;
      readonly after: number;
      readonly notify: readonly {
        readonly name: number;
        readonly delta: number;
        readonly now: boolean;
        readonly when?: When;
      }[];
      readonly report: 'changed' | 'failed' | 'none';
      readonly await: boolean;
    }
  | { readonly do: 'wait'; readonly ms: number }
  | {
      readonly do: 'cancel' | 'now' | 'appear' | 'vanish';
      readonly command: number;
      readonly name: number;
      readonly when?: boolean;
    }
  /** `which` counts the processes that there are at that moment. */
  | {
      readonly do: 'signal';
      readonly signal: NodeJS.Signals | 40;
      readonly of: 'waiters' | 'all';
      readonly which: number;
    }
  | { readonly do: 'fault'; readonly point: string; readonly what: string }
  | {
      readonly do:
        | 'disable'
        | 'enable'
        | 'hold'
        | 'release'
        | 'fill'
        | 'free'
        | 'remove-state'
        | 'remove-records'
        | 'update';
    };

/** The thing that a notification waits for, beside its delta: a path, a port, or a command that succeeds; that of `hangs` does not end by itself before. */
export interface When {
  readonly by: 'exists' | 'connects' | 'succeeds' | 'hangs';
  /** Seconds. */
  readonly timeout: number;
  readonly onTimeout: 'run' | 'drop';
}

/** Where a fault can strike: the points of src/ that say so. A test holds this list to them. */
export const POINTS = [
  'cancel.told',
  'file.written',
  'lock.linked',
  'lock.releasing',
  'notification.recorded',
  'notification.recording',
  'notification.written',
  'record.reading',
  'record.writing',
  'satisfied.noting',
  'start.becoming',
  'start.logged',
  'start.noted',
  'start.taken',
  'successor.recorded',
  'successor.started',
  'successor.told',
  'successor.waiting',
  'verdict.said',
  'verdict.saying',
  'waiter.met',
  'waiter.run-ended',
  'waiter.step',
] as const;

const command = fc.nat(COMMANDS.length - 1);
const name = fc.nat(2);
const delta = fc.constantFrom(0, 0, 1, 3, 8, 20);
const milliseconds = fc.constantFrom(0, 5, 20, 60);

const when: fc.Arbitrary<When> = fc.record({
  by: fc.constantFrom(...(['exists', 'exists', 'connects', 'succeeds', 'hangs'] as const)),
  timeout: fc.constantFrom(21, 30, 3000),
  onTimeout: fc.constantFrom('run' as const, 'drop' as const),
});

const run: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('run' as const),
  command,
  before: milliseconds,
  after: milliseconds,
  notify: fc.array(
    fc.oneof(
      { arbitrary: fc.record({ name, delta, now: fc.boolean() }), weight: 2 },
      { arbitrary: fc.record({ name, delta, now: fc.constant(false), when }), weight: 1 },
    ),
    { maxLength: 3 },
  ),
  report: fc.constantFrom('changed' as const, 'changed' as const, 'failed' as const, 'none' as const),
  await: fc.boolean(),
});

const signal: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('signal' as const),
  signal: fc.constantFrom<NodeJS.Signals | 40>(
    ...(['SIGKILL', 'SIGKILL', 'SIGSTOP', 'SIGCONT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const),
    ...(['SIGHUP', 'SIGQUIT', 'SIGALRM', 40] as const),
  ),
  of: fc.constantFrom('waiters' as const, 'waiters' as const, 'all' as const),
  which: fc.nat(7),
});

/** Where nothing can fail: a process is killed there, stopped or slow. */
const INFALLIBLE: readonly string[] = [
  ...[
    'cancel.told',
    'lock.releasing',
    'notification.written',
    'start.becoming',
    'verdict.said',
    'verdict.saying',
  ],
  // A pipe is all that it needs there.
  ...['successor.told', 'successor.waiting'],
];

const FALLIBLE = POINTS.filter((point) => !INFALLIBLE.includes(point));

const fault: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      point: fc.constantFrom(...POINTS),
      what: fc.constantFrom('kill', 'stop', 'wait 100'),
    }),
    weight: 3,
  },
  {
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      point: fc.constantFrom(...FALLIBLE),
      what: fc.constant('throw ENOSPC'),
    }),
    weight: 1,
  },
);

/** Any step; runs come most often. */
export const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: run, weight: 10 },
  {
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(10, 40, 100, 250) }),
    weight: 4,
  },
  { arbitrary: signal, weight: 4 },
  { arbitrary: fault, weight: 3 },
  {
    arbitrary: fc.record({
      do: fc.constantFrom('cancel' as const, 'now' as const),
      command,
      name,
      when: fc.boolean(),
    }),
    weight: 2,
  },
  {
    arbitrary: fc.record({
      do: fc.constantFrom('appear' as const, 'appear' as const, 'vanish' as const),
      command,
      name,
    }),
    weight: 4,
  },
  {
    arbitrary: fc.record({
      do: fc.constantFrom(
        ...(['disable', 'enable', 'fill', 'free', 'remove-state', 'remove-records', 'update'] as const),
        ...(['enable', 'free', 'hold', 'release', 'release'] as const),
      ),
    }),
    weight: 3,
  },
);

/** Does a step on a place. */
export async function take(step: Step, place: Place, programs: readonly [string, string]): Promise<void> {
  place.note(JSON.stringify(step));
  switch (step.do) {
    case 'run':
      return awaitRun(place.start(step.command, planOf(step, place)), step.await);
    case 'wait':
      return sleep(step.ms);
    case 'cancel':
      await ask(place, 'cancel', nameOf(step.command, step.name, step.when));
      return;
    case 'now':
      await hurry(place, nameOf(step.command, step.name, step.when));
      return;
    case 'appear':
      return place.appear(nameOf(step.command, step.name, true));
    case 'vanish':
      return place.vanish(nameOf(step.command, step.name, true));
    case 'hold':
      if (await ask(place, 'hold', '--for', '1h')) place.holds.push({ from: now() });
      return;
    case 'release':
      place.endHold();
      await ask(place, 'release');
      return;
    case 'signal': {
      const among = step.of === 'waiters' ? place.waiters() : place.targets();
      const target = among[step.which % Math.max(1, among.length)];
      if (target) place.signal(target.pid, step.signal);
      return;
    }
    case 'fault':
      writeFileSync(join(place.home, 'faults', step.point), step.what);
      return;
    case 'disable':
      writeFileSync(join(place.base, 'var/state/agent_disabled.lock'), '{}');
      return;
    case 'enable':
      rmSync(join(place.base, 'var/state/agent_disabled.lock'), { force: true });
      return;
    case 'fill':
      return fill(place);
    case 'free':
      rmSync(join(place.state, 'filler'), { force: true });
      return;
    case 'remove-state':
      place.endHold();
      return empty(place.state);
    case 'remove-records':
      return empty(join(place.state, 'commands'));
    case 'update':
      place.update(programs[place.lines('told').length % 2] as string);
  }
}

/** Whether the step removes records: all of the state folder, or the records alone. */
export function isRemoval({ do: what }: Step): boolean {
  return what === 'remove-state' || what === 'remove-records';
}

function empty(folder: string): void {
  for (const entry of readNames(folder))
    rmSync(join(folder, entry), { recursive: true, force: true, maxRetries: 20 });
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function planOf(step: Step & { do: 'run' }, place: Place): string {
  return [
    `work ${step.before / 1000}`,
    ...step.notify.map(({ name, delta, now, when }) =>
      when
        ? planWhen(place, nameOf(step.command, name, true), delta, when)
        : `again ${nameOf(step.command, name)} ${delta}${now ? ' --start-timer-now' : ''}`,
    ),
    `work ${step.after / 1000}`,
    `report ${step.report}`,
    '',
  ].join('\n');
}

function planWhen(place: Place, name: string, delta: number, { by, timeout, onTimeout }: When): string {
  const path = place.goal(name);
  const looks = {
    exists: { exists: [path] },
    connects: { connects: [place.endpoint(name)] },
    succeeds: { succeeds: ['/usr/bin/test', '-e', path] },
    hangs: { succeeds: ['/bin/sh', '-c', 'test -e "$0" || { sleep 1000 & wait; exit 1; }', path] },
  };
  const none = { exists: [], connects: [], succeeds: null, sensitive: false };
  const condition = { ...none, ...looks[by], interval: 2, timeout, onTimeout };
  return `when ${name} ${delta} ${timeout} ${onTimeout} '${JSON.stringify(condition)}'`;
}

/** A look that hangs, or its child. */
export function hangs({ argv }: Process): boolean {
  return argv.join(' ') === 'sleep 1000' || argv[2]?.includes('sleep 1000') === true;
}

/** A run that is stopped would never end. */
async function awaitRun(child: ChildProcess, wanted: boolean): Promise<void> {
  if (!wanted) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode === null && child.signalCode === null) await Promise.race([ended, sleep(1000)]);
}

/** Says something to `again` as a person does; whether it has done it. */
export async function ask(place: Place, ...words: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    execFile(join(place.home, 'again'), words, { env: {}, timeout: 5000, killSignal: 'SIGKILL' }, (error) =>
      resolve(error === null),
    );
  });
}

/** Says `again now`, which takes effect at some time between its begin and its end. */
async function hurry(place: Place, name: string): Promise<void> {
  const said: Hurry = { name, from: now(), until: Number.POSITIVE_INFINITY };
  place.hurried.push(said);
  await ask(place, 'now', name);
  said.until = now();
}

/** Takes all room of the state folder's small disk. */
function fill(place: Place): void {
  mkdirSync(place.state, { recursive: true, mode: 0o700 });
  for (const size of [64 * 1024, 4096, 1024, 64])
    try {
      for (let n = 0; n < 8; n += 1)
        writeFileSync(join(place.state, 'filler'), Buffer.alloc(size), { flag: 'a' });
    } catch {
      // This much is not left.
    }
}
