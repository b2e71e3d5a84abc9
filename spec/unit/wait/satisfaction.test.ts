import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Bytes, fromText } from '../../../src/os/bytes.ts';
import { monotonic } from '../../../src/os/clock.ts';
import { type ProcessId, self } from '../../../src/os/process.ts';
import { startTime } from '../../../src/os/start-time.ts';
import { parseArguments } from '../../../src/puppet/arguments.ts';
import type { Command } from '../../../src/puppet/command.ts';
import type { PuppetProcess } from '../../../src/puppet/processes.ts';
import type { PuppetSettings } from '../../../src/puppet/settings.ts';
import { factsOf } from '../../../src/repeat/facts.ts';
import type { WaiterContext } from '../../../src/wait/context.ts';
import { createSatisfaction, type SatisfyingRun } from '../../../src/wait/satisfaction.ts';
import { plainSettings } from '../puppet/plain-settings.ts';
import { record } from '../state/record.ts';
import { temporaryFolder } from '../state/temporary.ts';

const RUBY = fromText('/usr/bin/ruby3.1');
const PUPPET = ['/usr/bin/ruby', '/usr/bin/puppet'];
const TICK_MS = 10;
/** Start times are exact to so many milliseconds. */
const TOLERANCE_MS = 20;

const words = (line: string) => line.split(' ').filter(Boolean).map(fromText);

/** The id of a process that started so many milliseconds after now, or before it where that is negative. */
function startedIn(milliseconds: number): ProcessId {
  const life = process.uptime() * 1000 + milliseconds;
  return { pid: 4800, start: self().start + Math.round(life / TICK_MS) };
}

/** A waiter that would run `puppet agent -t`, or what a test says, and watches who does. */
class Watch {
  readonly reportFile = join(temporaryFolder(), 'last_run_report.yaml');
  readonly now = monotonic();
  private readonly satisfaction;
  /** Of all processes of a test: each look finds the same one. */
  private readonly id = startedIn(-10_000);

  constructor(
    command: Partial<Command> = {},
    facts = '',
    environment: () => string | undefined = () => 'production',
  ) {
    const context = { puppet: this.settings() } as WaiterContext;
    const wanted = { ...record().command, ...command };
    this.satisfaction = createSatisfaction(context, facts, wanted, environment);
  }

  settings(changes: Partial<PuppetSettings> = {}): PuppetSettings {
    return plainSettings({ reportFile: this.reportFile, ...changes });
  }

  /** `puppet agent` with these options, which started 10 s ago and is at work. */
  agent(options = '-t', changes: Partial<PuppetProcess> = {}): PuppetProcess {
    const { id } = this;
    const argv = [...PUPPET.map(fromText), fromText('agent'), ...words(options)];
    const run = { ...runOf(id, argv), arguments: parseArguments(words(options), 'agent') };
    return { ...this.base(id), mode: 'agent', run, ...changes };
  }

  /** `puppet apply` with these words, in the directory of this process. */
  apply(options: string, changes: Partial<PuppetProcess> = {}): PuppetProcess {
    const id = { ...this.id, pid: process.pid };
    const argv = [...PUPPET.map(fromText), fromText('apply'), ...words(options)];
    const run = { ...runOf(id, argv), arguments: parseArguments(words(options), 'apply') };
    return { ...this.base(id), mode: 'apply', run, ...changes };
  }

  private base(id: ProcessId) {
    return { id, environment: [], settings: this.settings(), atWork: true, age: 10_000 };
  }

  /** A look, so many milliseconds after the beginning of the test. */
  look(milliseconds: number, ...processes: readonly PuppetProcess[]): SatisfyingRun | undefined {
    return this.satisfaction.observe({ at: this.now + milliseconds, processes });
  }

  /** Puppet writes its report, as a new file. */
  report(changes: Readonly<Record<string, string>> = {}): void {
    const fields = {
      ...{ status: 'changed', transaction_completed: 'true', noop: 'false' },
      ...{ environment: 'production', cached_catalog_status: 'not_used', ...changes },
    };
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
    writeFileSync(
      `${this.reportFile}.new`,
      `--- !ruby/object:Puppet::Transaction::Report\n${lines.join('\n')}\n`,
    );
    renameSync(`${this.reportFile}.new`, this.reportFile);
  }

  /** Whether a run that is seen at work, reports its success, and ends, satisfies. */
  satisfies(process: PuppetProcess, report: Readonly<Record<string, string>> | 'none' = {}): boolean {
    this.report();
    this.look(0, process);
    if (report !== 'none') this.report(report);
    return this.look(100) !== undefined;
  }
}

function runOf(id: ProcessId, argv: readonly Bytes[]) {
  return { process: id, source: id, executable: RUBY, argv, prefix: 3 };
}

describe('an agent that has ended satisfies one that runs `puppet agent -t`', () => {
  const secret = [fromText('FACTER_role=db')];
  test.each<[string, boolean, (watch: Watch) => PuppetProcess]>([
    ['with the same words', true, (watch) => watch.agent()],
    ['with words that apply the same', true, (watch) => watch.agent('--onetime --no-daemonize --verbose')],
    ['that a daemon forked', true, (watch) => watch.agent('', { mode: 'daemon' })],
    [
      'with other variables than facts',
      true,
      (watch) => watch.agent('-t', { environment: [fromText('A=1')] }),
    ],
    ['with other facts', false, (watch) => watch.agent('-t', { environment: secret })],
    ['with another environment of Puppet', false, (watch) => watch.agent('-t -E test')],
    ['of some tags', false, (watch) => watch.agent('-t --tags a')],
    [
      'of some tags by puppet.conf',
      false,
      (watch) => watch.agent('-t', { settings: watch.settings({ tagged: true }) }),
    ],
    [
      'that is a no-op by puppet.conf',
      false,
      (watch) => watch.agent('-t', { settings: watch.settings({ noop: true }) }),
    ],
    ['of another server', false, (watch) => watch.agent('-t', { settings: watch.settings({ server: 'x' }) })],
    [
      'of another certname',
      false,
      (watch) => watch.agent('-t', { settings: watch.settings({ certname: 'x' }) }),
    ],
    [
      'of another lock',
      false,
      (watch) => watch.agent('-t', { settings: watch.settings({ lockFile: '/x' }) }),
    ],
    ['of which nothing can be told', false, (watch) => watch.agent('-t', { run: undefined })],
    ['of whose settings nothing can be told', false, (watch) => watch.agent('-t', { settings: undefined })],
    ['that never came to work', false, (watch) => watch.agent('-t', { atWork: false })],
    [
      'of another Ruby',
      false,
      (watch) => {
        const agent = watch.agent();
        return { ...agent, run: agent.run && { ...agent.run, executable: fromText('/opt/ruby') } };
      },
    ],
    ['that is a `puppet apply`', false, (watch) => watch.apply('-t')],
  ])('%s: %s', (_, expected, make) => {
    const watch = new Watch();
    expect(watch.satisfies(make(watch))).toBe(expected);
  });

  test('one of the same facts, where it has some', () => {
    const [facts, environment] = [factsOf(secret), secret];
    const watch = new Watch({}, facts);
    expect(watch.satisfies(watch.agent('-t', { environment }))).toBe(true);
    const other = new Watch({}, facts);
    expect(other.satisfies(other.agent())).toBe(false);
  });
});

describe('a `puppet apply` that has ended satisfies one', () => {
  const directory = fromText(process.cwd());
  const argv = [...PUPPET, 'apply', '-v', 'site.pp'].map(fromText);
  test.each<[string, boolean, string, Partial<Command>]>([
    ['of the same words and directory', true, '-v site.pp', {}],
    ['of other words, also such as say nothing of what is applied', false, 'site.pp', {}],
    ['of the same words in another directory', false, '-v site.pp', { directory: fromText('/nonexistent') }],
  ])('%s: %s', (_, expected, line, changes) => {
    const watch = new Watch({ mode: 'apply', directory, argv, ...changes });
    expect(watch.satisfies(watch.apply(line))).toBe(expected);
  });

  test('of an agent: false', () => {
    const watch = new Watch({ mode: 'apply', directory, argv });
    expect(watch.satisfies(watch.agent('-v site.pp'))).toBe(false);
  });
});

describe("by Puppet's own report", () => {
  test.each<[string, boolean, Readonly<Record<string, string>> | 'none']>([
    ['which says that nothing had to be changed', true, { status: 'unchanged' }],
    ['which says that it failed', false, { status: 'failed' }],
    ['which says that it was aborted', false, { transaction_completed: 'false' }],
    ['which says that it was a no-op', false, { noop: 'true' }],
    ['which says that its catalog was an old one', false, { cached_catalog_status: 'on_failure' }],
    ['which says that it was of another environment', false, { environment: 'test' }],
    ['which is that of the run before', false, 'none'],
  ])('%s: %s', (_, expected, report) => {
    const watch = new Watch();
    expect(watch.satisfies(watch.agent(), report)).toBe(expected);
  });

  test('not before the notifying run has told its environment', () => {
    const watch = new Watch({}, '', () => undefined);
    expect(watch.satisfies(watch.agent())).toBe(false);
  });

  test('also where it is seen after it has given its lock back, before it ends', () => {
    const watch = new Watch();
    watch.report();
    watch.look(0, watch.agent());
    watch.report();
    for (const at of [10, 20, 30]) watch.look(at, watch.agent('-t', { atWork: false }));
    expect(watch.look(40)).toBeDefined();
  });

  test('not where the report came while the run still waited for its lock', () => {
    const watch = new Watch();
    watch.report();
    watch.look(0, watch.agent('-t', { atWork: false }));
    watch.report();
    watch.look(10, watch.agent());
    expect(watch.look(20)).toBeUndefined();
  });

  test.each<[string, boolean, (watch: Watch) => PuppetProcess]>([
    [
      'not where another run was at work that writes the same one',
      false,
      (watch) => watch.agent('-t --tags a'),
    ],
    [
      'not where nothing can be told of another run',
      false,
      (watch) => watch.agent('', { settings: undefined }),
    ],
    [
      'also where another run was at work that writes another one',
      true,
      (watch) => watch.agent('-t', { settings: watch.settings({ reportFile: '/x' }) }),
    ],
    ['also where another run waited meanwhile', true, (watch) => watch.agent('-t', { atWork: false })],
  ])('%s', (_, expected, make) => {
    const watch = new Watch();
    watch.look(0, watch.agent(), { ...make(watch), id: { pid: 4900, start: 1 } });
    watch.look(10, watch.agent());
    watch.report();
    expect(watch.look(20) !== undefined).toBe(expected);
  });
});

describe('a run that satisfies began', () => {
  /** When that was, in milliseconds from the beginning of the test. */
  const beganOf = (watch: Watch, done: SatisfyingRun | undefined) =>
    done === undefined ? undefined : done.began - watch.now;

  test('when its process started, at the latest', () => {
    const watch = new Watch();
    const process = watch.agent();
    watch.look(0, process);
    watch.report();
    const done = watch.look(100);
    expect(done?.id).toEqual(process.id);
    expect(Math.abs((done?.began ?? 0) - startTime(process.id) - TOLERANCE_MS)).toBeLessThan(TICK_MS);
  });

  test.each<[string, readonly [at: number, atWork: boolean | undefined][], number]>([
    [
      'after the newest look that saw it wait',
      [
        [20_000, false],
        [30_000, false],
        [40_000, true],
        [50_000, true],
      ],
      30_000,
    ],
    [
      'after the newest look that did not see it',
      [
        [20_000, undefined],
        [30_000, undefined],
        [40_000, true],
      ],
      30_000,
    ],
  ])('%s', (_, looks, expected) => {
    const watch = new Watch();
    for (const [at, atWork] of looks)
      watch.look(at, ...(atWork === undefined ? [] : [watch.agent('-t', { atWork })]));
    watch.report();
    expect(beganOf(watch, watch.look(60_000))).toBe(expected);
  });

  test('after the newest look where its start time lies in the future, as after a suspend', () => {
    const watch = new Watch();
    const id = startedIn(3_600_000);
    const future = (atWork: boolean) => watch.agent('-t', { atWork, id });
    watch.look(0, future(false));
    watch.look(10, future(true));
    watch.look(7_200_000, future(true));
    watch.report();
    expect(beganOf(watch, watch.look(7_200_010))).toBe(0);
  });

  test('at a time that nobody can tell, where it was never seen before its work either: it satisfies nothing', () => {
    const watch = new Watch();
    const id = startedIn(3_600_000);
    for (const at of [0, 10]) watch.look(at, watch.agent('-t', { id }));
    watch.report();
    expect(watch.look(20)).toBeUndefined();
  });
});

test('a run whose pid another one has by now has ended', () => {
  const watch = new Watch();
  const id = startedIn(-10_000);
  watch.look(0, watch.agent('-t', { id }));
  watch.report();
  expect(watch.look(10, watch.agent('-t', { id: { ...id, start: id.start + 1 } }))?.id).toEqual(id);
});

test('a run that goes on satisfies nothing yet, and one that has ended does so once', () => {
  const watch = new Watch();
  const process = watch.agent();
  watch.look(0, process);
  watch.report();
  expect(watch.look(10, process)).toBeUndefined();
  expect(watch.look(20)?.id).toEqual(process.id);
  expect(watch.look(30)).toBeUndefined();
});
