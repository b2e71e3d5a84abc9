import type { CommandModule } from 'yargs';
import { log } from '../os/journal.ts';
import { join } from '../os/path.ts';
import { oneLine, Refusal } from '../os/refusal.ts';
import { toAscii } from '../os/verdict.ts';
import { version } from '../os/version.ts';
import { DEFAULT_PERIOD, describeHold } from '../schedule/hold.ts';
import { openStateFolder } from '../state/folder.ts';
import { readHistory } from '../state/history.ts';
import { readHold } from '../state/hold.ts';
import { withLock } from '../state/lock.ts';
import { logPath } from '../state/logs.ts';
import { reportLost } from '../state/lost.ts';
import { isRunning } from '../state/outcomes.ts';
import { hasLivingWaiter, readRecords } from '../state/records.ts';
import { home } from '../state/settings.ts';
import { forget, sweep } from '../state/sweep.ts';
import { settleReruns } from '../systemd/outcome.ts';
import { cancel, isPending } from './cancel.ts';
import { drawHistory, pastOf } from './history.ts';
import { checkedPeriod, checkedReason, hold, release, shownHold } from './hold.ts';
import { showLog } from './log.ts';
import { hurry } from './now.ts';
import { paintFor } from './paint.ts';
import { readPending } from './pending.ts';
import { drawHold, drawStatus } from './status.ts';
import { scopeOfThisRun } from './this-run.ts';
import { verify } from './verify.ts';

/** How all commands read their words: a name or a reason stays as it was typed, also where it looks like a number, and after `--`. */
export const PARSING = {
  'duplicate-arguments-array': false,
  'boolean-negation': false,
  'parse-numbers': false,
  'parse-positional-numbers': false,
  'populate--': true,
} as const;

const json = { boolean: true, describe: 'Print JSON for programs', default: false } as const;

/** The exit code of `again cancel --this-run --check` where nothing is pending. 1 is a refusal's. */
const NOTHING_PENDING = 3;

/**
 * The commands for people at a shell.
 *
 * @param exit is told the exit code, where that is not 0
 */
export function peopleCommands(exit: (code: number) => void): CommandModule[] {
  return [
    statusCommand,
    cancelCommand(exit),
    nowCommand,
    holdCommand,
    releaseCommand,
    historyCommand,
    logCommand,
    verifyCommand,
    updatedCommand,
    settleCommand,
  ] as unknown as CommandModule[];
}

const statusCommand: CommandModule<object, { json: boolean; hold: boolean }> = {
  command: 'status',
  describe: 'Show what is pending: when Puppet runs again, and why not yet',
  builder: {
    json,
    hold: { boolean: true, describe: 'Show only whether reruns are held', default: false },
  },
  async handler(args) {
    const { folder, trouble } = await settle();
    const found = readHold(folder);
    const hold = found && shownHold(found);
    const paint = paintFor(process.stdout);
    if (args.hold)
      return print(args.json ? asJson(hold ?? null) : hold ? drawHold(hold, paint) : 'Nothing is held.\n');
    const pending = readPending(folder, trouble);
    print(args.json ? asJson(pending) : drawStatus(pending, paint, hold));
  },
};

const holdCommand: CommandModule<
  object,
  { for: string | string[] | undefined; reason: string[] | undefined; '--'?: string[] }
> = {
  command: 'hold [reason..]',
  describe: 'Keep every rerun from starting, as in a maintenance window',
  builder: (command) =>
    command
      // Without it, of several words the last one would be the reason.
      .parserConfiguration({ ...PARSING, 'duplicate-arguments-array': true })
      .positional('reason', { type: 'string', array: true, describe: 'Why, for people' })
      .option('for', {
        string: true,
        requiresArg: true,
        describe: 'For how long: 90 (seconds), 45m, 2h, 1d; 30d at most',
        defaultDescription: '8h',
      }),
  async handler({ for: periods, reason = [], '--': afterDashes = [] }) {
    const period = [periods].flat().at(-1);
    const seconds = period === undefined ? DEFAULT_PERIOD : checkedPeriod(period);
    const words = checkedReason([...reason, ...afterDashes]);
    print(await hold((await settle()).folder, seconds, words));
  },
};

const releaseCommand: CommandModule = {
  command: 'release',
  describe: 'End a hold',
  async handler() {
    print(await release((await settle()).folder));
  },
};

const nowCommand: CommandModule<object, { name: string | undefined; '--'?: string[] }> = {
  command: 'now [name]',
  describe: 'Make pending reruns due at once: those of one name, or all',
  builder: (command) =>
    command.positional('name', {
      type: 'string',
      describe: "Name of the delta or when; `again` for Exec['again']",
    }),
  async handler({ name: given, '--': afterDashes }) {
    const name = oneWord(given, afterDashes);
    const { folder } = await settle();
    await hurry(folder, name, (names) => {
      const found = readHold(folder);
      print(names.length === 0 ? 'Nothing is pending.\n' : `Due now: ${names.join(', ')}\n`);
      if (names.length > 0 && found) print(`It waits for ${describeHold(found)}.\n`);
    });
  },
};

const cancelCommand = (
  exit: (code: number) => void,
): CommandModule<
  object,
  { name: string | undefined; all: boolean; 'this-run': boolean; check: boolean; '--'?: string[] }
> => ({
  command: 'cancel [name]',
  describe: 'Cancel what is pending under a name, or all of it',
  builder: (command) =>
    command
      .positional('name', {
        type: 'string',
        describe: "Name of the delta or when; `again` for Exec['again']",
      })
      .option('all', { boolean: true, default: false, describe: 'Everything' })
      // For common::again with `enable: false`, in a Puppet run.
      .option('this-run', { boolean: true, default: false, hidden: true })
      .option('check', { boolean: true, default: false, hidden: true, implies: 'this-run' }),
  async handler({ name: given, all, 'this-run': ofThisRun, check, '--': afterDashes }) {
    const name = oneWord(given, afterDashes);
    if (Number(all) + Number(ofThisRun) + Number(name !== undefined) !== 1)
      throw new Refusal('say either a NAME or --all; see `again cancel --help`', 64);
    const scope = ofThisRun ? scopeOfThisRun() : undefined;
    const { folder } = await settle();
    if (scope && check) {
      if (!isPending(folder, scope)) exit(NOTHING_PENDING);
      return;
    }
    const tell = (names: readonly string[]) => {
      const line = names.length === 0 ? 'Nothing was pending.' : `Cancelled: ${names.join(', ')}`;
      // Puppet reads it.
      print(`${ofThisRun ? toAscii(line) : line}\n`);
    };
    await cancel(folder, name, tell, scope);
  },
});

const historyCommand: CommandModule<object, { json: boolean; number: string | undefined }> = {
  command: 'history',
  describe: 'Show past reruns',
  builder: (command) =>
    command.option('json', json).option('number', {
      alias: 'n',
      string: true,
      requiresArg: true,
      describe: 'How many of the newest reruns',
      defaultDescription: '20',
    }),
  async handler({ number = '20', ...args }) {
    if (!/^0*[1-9]\d{0,8}$/.test(number))
      throw new Refusal(`-n ${JSON.stringify(number)}: must be a whole number from 1`, 64);
    const { folder } = await settle();
    const past = readHistory(folder)
      .slice(-Number(number))
      .map((rerun) => pastOf(rerun, isRunning(rerun), logPath(folder, `${rerun.id}.log`)));
    print(args.json ? asJson(past) : drawHistory(past, paintFor(process.stdout)));
  },
};

const logCommand: CommandModule<object, { id: string | undefined; follow: boolean; '--'?: string[] }> = {
  command: 'log [id]',
  describe: 'Show the output of a rerun, the newest one by default',
  builder: (command) =>
    command.positional('id', { type: 'string', describe: 'As `again history` shows it' }).option('follow', {
      alias: 'f',
      boolean: true,
      default: false,
      describe: 'Keep printing until the rerun ends',
    }),
  async handler({ id: given, follow, '--': afterDashes }) {
    const id = oneWord(given, afterDashes);
    const { folder } = await settle();
    await showLog(folder, readHistory(folder), { id, follow }, process.stdout);
  },
};

const verifyCommand: CommandModule = {
  command: 'verify',
  describe: 'Compare this executable, in full, with the one that Puppet delivered',
  async handler() {
    const executable = join(home(), 'again');
    print(`${executable} is what was delivered (sha256 ${await verify(home())})\n`);
  },
};

/** For the delivery of another version (files/again/deliver); people see the same in `again status`. */
const updatedCommand: CommandModule = {
  command: 'updated',
  describe: false,
  handler() {
    const older = [...readRecords(openStateFolder(home())).values()].filter(
      (record) => hasLivingWaiter(record) && record.software !== version,
    );
    if (older.length === 0) return;
    const waiters = older.map(({ waiter, software }) => `pid ${waiter.pid} of version ${software}`);
    print(`Waiters that were there before stay as they are until they run: ${waiters.join(', ')}\n`);
  },
};

/** For the fact `again`, which sees that the end of a rerun is not noted yet, and must not wait for that. */
const settleCommand: CommandModule = {
  command: 'settle',
  describe: false,
  async handler() {
    await settle();
  },
};

/** The state folder, after what was lost has been reported and what Puppet reported has been noted; and why nothing can be recorded there, if so. */
async function settle(): Promise<{ folder: string; trouble: string | undefined }> {
  const folder = openStateFolder(home());
  let trouble: string | undefined;
  try {
    const told = await withLock(folder, () =>
      forget(folder, sweep(folder, readRecords(folder)).lost, reportLost(folder)),
    );
    for (const [event, text] of told) log(event, text);
    await settleReruns(folder);
  } catch (error) {
    // On a full disk there is no lock; the pending entries can be shown all the same.
    trouble = `nothing can be recorded in ${folder} (${oneLine(error)})`;
  }
  return { folder, trouble };
}

/** The word that a command takes; it stands after `--` where it begins with `-`. */
function oneWord(given: string | undefined, afterDashes: readonly string[] = []): string | undefined {
  const words = [...(given === undefined ? [] : [given]), ...afterDashes];
  if (words.length <= 1) return words[0];
  throw new Refusal(`too many words: ${words.map((word) => JSON.stringify(word)).join(', ')}`, 64);
}

function print(text: string): void {
  process.stdout.write(text);
}

function asJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
