// A waiter in a process of its own: node waiter.worker.ts FILE, where FILE holds a Wanted as JSON. It becomes the rerun, or prints an Outcome.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromText } from '../../../src/os/bytes.ts';
import { monotonic } from '../../../src/os/clock.ts';
import { here } from '../../../src/os/place.ts';
import { type ProcessId, readStat, self } from '../../../src/os/process.ts';
import type { PuppetProcess } from '../../../src/puppet/processes.ts';
import { imageOf } from '../../../src/repeat/executable.ts';
import type { Entry } from '../../../src/schedule/entry.ts';
import { openStateFolder } from '../../../src/state/folder.ts';
import { writeHold } from '../../../src/state/hold.ts';
import { withLock } from '../../../src/state/lock.ts';
import { type CommandRecord, writeRecord } from '../../../src/state/records.ts';
import { type StartSlot, slotPath } from '../../../src/state/start-slot.ts';
import type { WaiterContext } from '../../../src/wait/context.ts';
import { type Attempt, startRerun } from '../../../src/wait/start.ts';
import type { Survey } from '../../../src/wait/survey.ts';
import { waitAndBecome } from '../../../src/wait/waiter.ts';
import { createWakeup } from '../../../src/wait/wakeup.ts';
import { plainSettings } from '../puppet/plain-settings.ts';
import { entry, goingEntry } from '../schedule/entries.ts';
import { record } from '../state/record.ts';
import { ID, LISTENING } from './names.ts';

/** What a test wants of a waiter. */
export interface Wanted {
  /** The folder of the executable. */
  readonly home: string;
  /** The program that the rerun is. */
  readonly program: string;
  /** What is pending, and for how many milliseconds its run has ended; undefined where that is going. */
  readonly entries?: (readonly [number | undefined, Partial<Entry>?])[];
  readonly record?: Partial<CommandRecord>;
  /** For how many milliseconds a rerun of another command is due, whose waiter is the parent of this process. */
  readonly otherDue?: number;
  /** Whether the parent of this process is about to start another rerun. */
  readonly otherStarts?: boolean;
  readonly isHeld?: boolean;
  /** `puppet agent --disable` */
  readonly isDisabled?: boolean;
  /** The first look for other runs that finds one; all that follow do, too. */
  readonly runAtLook?: number;
  readonly context?: Partial<WaiterContext>;
  readonly cancelled?: boolean;
  /** Whether it waits for what is pending, instead of starting what is due. */
  readonly waits?: boolean;
}

/** What has come of a waiter that is not the rerun. */
export interface Outcome {
  readonly attempt?: Attempt;
  readonly error?: string;
  /** Names of what is otherwise in the state folder than before, the lock apart. */
  readonly changed: readonly string[];
}

const { home, program, ...wanted } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Wanted;

const OTHER_ID = '00000000000000bb';
/** No Puppet runs as this user: what else is going on the machine is in nobody's way. */
const NOBODY_ELSE = 4_000_000_000;

const folder = openStateFolder(home);
const lockFile = join(home, 'agent_catalog_run.lock');
const disabledFile = join(home, 'agent_disabled.lock');
const executable = fromText(program);
const argv = [executable, ...['agent', '-t'].map(fromText)];
const own = record({
  ...here(),
  command: { ...record().command, executable, argv, user: NOBODY_ELSE },
  puppet: { lockFile, disabledFile },
  waiter: self(),
  entries: (wanted.entries ?? [[1000]]).map(([since, changes]) => pending(since, changes)),
  ...wanted.record,
});
await withLock(folder, () => {
  const { otherDue } = wanted;
  writeRecord(folder, ID, own);
  if (wanted.isHeld) writeHold(folder, { version: 1, since: Date.now(), until: Date.now() + 60_000 });
  if (wanted.isDisabled) writeFileSync(disabledFile, '{}');
  const slot: StartSlot = { ...parent(), ...here(), at: monotonic(), mode: 'apply', lockFile };
  if (wanted.otherStarts) writeFileSync(slotPath(folder), JSON.stringify(slot));
  if (otherDue !== undefined)
    writeRecord(folder, OTHER_ID, { ...own, waiter: parent(), entries: [pending(otherDue)] });
});
const before = content();
// As in the build for tests of faults: points at which something fails, and a journal that can be read, beside the executable.
Object.assign(globalThis, { AGAIN_INSTRUMENTED: true });
process.execPath = join(home, 'again');
const result = await (wanted.waits ? wait() : start()).then(
  (attempt) => attempt && { attempt },
  ({ message }: Error) => ({ error: message }),
);
const after = content();
const names = [...new Set([...before.keys(), ...after.keys()])];
const changed = names.filter((name) => before.get(name) !== after.get(name));
console.log(JSON.stringify({ ...result, changed } satisfies Outcome));

function pending(ended: number | undefined, changes: Partial<Entry> = {}): Entry {
  return ended === undefined ? goingEntry(changes) : entry({ runEndedAt: monotonic() - ended, ...changes });
}

function parent(): ProcessId {
  const { ppid: pid } = process;
  return { pid, start: readStat(pid)?.start ?? 0 };
}

function start(): Promise<Attempt> {
  return startRerun({
    context: { ...context(), ...wanted.context },
    survey: survey(wanted.runAtLook ?? Number.POSITIVE_INFINITY),
    know: () => {},
    waited: 0,
    cancelled: () => wanted.cancelled ?? false,
    stopLooking: async () => {},
    met: new Map(),
  });
}

/** Ends by SIGTERM, as a waiter does. */
async function wait(): Promise<undefined> {
  const wakeup = createWakeup();
  let cancelled = false;
  process.on('SIGTERM', () => {
    cancelled = true;
    wakeup.poke();
  });
  writeFileSync(join(home, LISTENING), '');
  await waitAndBecome({ ...context(), ...wanted.context }, own, wakeup, () => cancelled);
  wakeup.close();
}

/** Stands in for a machine on which a run begins, which no other test must see. */
function survey(runAtLook: number): Survey {
  const run: PuppetProcess = {
    ...{ id: parent(), mode: 'apply', run: undefined, environment: [], settings: undefined },
    ...{ atWork: true, age: 0 },
  };
  let looks = 0;
  return {
    look() {
      looks += 1;
      return { at: monotonic(), processes: looks < runAtLook ? [] : [run] };
    },
    going: ({ processes }) => [...processes],
    mayTakeLock: () => 0,
  };
}

function context(): WaiterContext {
  return {
    home,
    id: ID,
    surroundings: {
      environment: ['A=1', 'AGAIN_LINK=7'].map(fromText),
      umask: 0o022,
      openFiles: { soft: 4096, hard: 4096 },
      ignoredSignals: '0',
      blockedSignals: '0',
    },
    puppet: plainSettings({ lockFile, disabledFile, reportFile: join(home, 'last_run_report.yaml') }),
    whole: true,
    image: imageOf(process.pid),
    manifest: undefined,
    reportMark: 'none',
    puppetEnvironment: 'production',
    restart: undefined,
    rules: { burst: 5, maxDelay: 3600 },
    grace: 0,
    logdest: 'file',
  };
}

/** Names and contents of the files of the state folder. */
function content(): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));
  const others = paths.filter((path) => !path.startsWith('lock-'));
  return new Map(others.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}
