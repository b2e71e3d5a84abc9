import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect } from 'vitest';
import type { Process } from '../processes.ts';
import { until } from '../wait.ts';
import { type Clock, type Record, readClock, readJournal, type Sight } from './journal.ts';
import type { Command, Finished, Node, Started } from './node.ts';
import { supportFolder } from './session.ts';

/** A Puppet that is installed on a node. */
export interface Puppet {
  readonly command: string;
  /** Whether its agent knows `--waitforlock` (5.5 doesn't). */
  readonly waitsForLock: boolean;
  /** Variables for its Ruby, in the environment of every run. Default: none. */
  readonly environment?: Readonly<{ [name: string]: string }>;
}

/** Debian 12's own. */
export const debianPuppet: Puppet = { command: '/usr/bin/puppet', waitsForLock: true };

/** The same for tests, which run it a thousand times: its Ruby has a large heap from the start, collects its garbage seldom, and needs a third less of CPU. */
export const testPuppet: Puppet = {
  ...debianPuppet,
  environment: {
    RUBY_GC_HEAP_INIT_SLOTS: '800000',
    RUBY_GC_MALLOC_LIMIT: '200000000',
    RUBY_GC_MALLOC_LIMIT_MAX: '400000000',
  },
};

/** A folder with a Puppet configuration, a module path, a base folder and a journal of its own. */
export interface World {
  readonly node: Node;
  readonly puppet: Puppet;
  readonly dir: string;
  /** The `again` folder below the world's base folder. */
  readonly again: string;
  readonly state: string;
  readonly trigger: string;
  /** The folder that Puppet takes the module from. */
  readonly module: string;
  /** Has Puppet take it from another one. */
  useModule(folder: string): Promise<void>;
  path(...names: string[]): string;
  write(name: string, content: string | Buffer, mode?: number): Promise<string>;

  /** Starts Puppet, or what else `argv` says, with the world's environment. */
  start(launch: Launch): Promise<Started>;
  /** The same, to its end. */
  run(launch: Launch): Promise<Finished>;
  /** The words of `puppet apply` in this world. */
  apply(...args: string[]): string[];

  /** The runs that have come as far as the manifest's probe, oldest first. */
  runs(label?: string): Promise<readonly Record[]>;
  clock(): Promise<Clock>;
  processes(): Promise<readonly Process[]>;
  /** The processes of `again`: waiters, and helpers at work. */
  helpers(): Promise<readonly Process[]>;
  /** The pending commands, by the state folder. */
  pending(): Promise<readonly string[]>;

  /** Waits until so many runs have been seen and nothing more can happen; returns them. */
  settled(runs: number, seconds?: number): Promise<readonly Record[]>;
  remove(): Promise<void>;
}

export interface Launch {
  readonly argv: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<{ [name: string]: string }>;
  /** Put before the command: `env --block-signal=USR2`, `nice -n 5` … */
  readonly wrap?: readonly string[];
  readonly seconds?: number;
}

/** Put before a command, makes that the process 1 of a PID namespace, as in a container. */
export const inContainer = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', '--'] as const;

export interface WorldOptions {
  readonly node: Node;
  readonly puppet: Puppet;
  readonly module: string;
  readonly dir: string;
  /** Where the module keeps its things; `false` for the contract's own place. */
  readonly base?: false;
  /** Lines for the world's puppet.conf. */
  readonly settings?: readonly string[];
  /** Seconds of the class parameter of that name; 0 unless told, so that a rerun starts when it is due. */
  readonly grace?: number;
  /** The executable is there from the start, as after an earlier run; `false` to have Puppet deliver it. */
  readonly delivered?: boolean;
}

/** Makes a world. */
export async function makeWorld(options: WorldOptions): Promise<World> {
  const { node, puppet, dir } = options;
  const path = (...names: string[]) => join(dir, ...names);
  const base = options.base === false ? '/var/lib/puppet/tmp' : path('base');
  const again = `${base}/common/again`;
  const state = `${again}/state`;
  const journal = path('journal');

  const write = async (name: string, content: string | Buffer, mode?: number) => {
    await node.files.write(path(name), content, mode);
    return path(name);
  };

  for (const folder of [
    'conf/data',
    'code/modules',
    'code/environments/production/manifests',
    'journal',
    'bin',
  ]) {
    await node.files.makeFolder(path(folder));
  }
  const useModule = async (folder: string) => {
    await node.files.remove(path('code/modules/common'));
    await node.files.link(folder, path('code/modules/common'));
  };
  await useModule(options.module);
  await write('conf/puppet.conf', ['[main]', ...folders(dir), ...(options.settings ?? []), ''].join('\n'));
  await write('conf/hiera.yaml', globalHiera);
  await write(
    'conf/data/world.yaml',
    options.base === false ? `---\n${noLink}` : hieraData(base, options.grace),
  );
  for (const name of ['probe.sh', 'clock.rb', 'long_title.rb']) {
    await write(`bin/${name}`, await readFile(join(supportFolder, name)));
  }
  if (options.delivered !== false) await deliver(node, options.module, again);

  const environment = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    LANG: 'C.UTF-8',
    WORLD: dir, // by which its processes are known
    RUBYOPT: `-r${path('bin/clock.rb')}`,
    ...puppet.environment,
  };
  const command = (launch: Launch): Command => ({
    argv: [...(launch.wrap ?? []), ...launch.argv],
    cwd: launch.cwd ?? dir,
    env: { ...environment, ...launch.env },
    ...(launch.seconds === undefined ? {} : { seconds: launch.seconds }),
  });

  const runs = async (label = 'run') =>
    (await readJournal(node.files, journal)).filter((record) => record.label === label);
  const processes = async () => family(await node.processes(), dir);
  const isHelper = ({ exe }: Process) => exe.startsWith(`${again}/again`);
  const helpers = async () =>
    (await node.processes()).filter((process) => isHelper(process) && !process.isCopy);
  const pending = async () => {
    const names = await node.files.list(`${state}/commands`);
    return names.filter((name) => name.endsWith('.json'));
  };

  return {
    node,
    puppet,
    dir,
    again,
    state,
    trigger: path('trigger'),
    module: options.module,
    useModule,
    path,
    write,
    start: (launch) => node.start(command(launch)),
    run: (launch) => node.exec(command(launch)),
    apply: (...args) => [puppet.command, 'apply', '--confdir', path('conf'), '--color=false', ...args],
    runs,
    clock: () => readClock(node.files, path('clock')),
    processes,
    helpers,
    pending,
    settled: async (count, seconds = 200) => {
      const look = async () => ({
        runs: (await runs()).map((record) => record.run.pid),
        pending: await pending(),
        processes: (await processes()).map(({ pid, argv }) => `${pid} ${argv.join(' ').slice(0, 200)}`),
        helpers: (await helpers()).map(({ pid }) => pid),
        logs: await tails(node, state),
      });
      await until(
        `${count} runs and then quiet in ${dir}`,
        async () => {
          const alive = await node.processes();
          if (alive.some(isHelper) || family(alive, dir).some(isOneRun)) return false;
          return (await pending()).length === 0 && (await runs()).length >= count;
        },
        { seconds, seen: look },
      );
      // Nothing is left that could start another run: no helper, no request.
      expect(await helpers()).toEqual([]);
      const seen = await runs();
      expect(seen.length, JSON.stringify(await look())).toBe(count);
      return seen;
    },
    remove: async () => {
      await until(
        `the end of all processes of ${dir}`,
        async () => {
          const left = await processes();
          for (const { pid } of left) await node.signal(pid, 'SIGKILL');
          return left.length === 0;
        },
        { seen: async () => (await processes()).map(({ pid, argv }) => ({ pid, argv })) },
      );
      await node.files.remove(dir);
    },
  };
}

/** The parts of the Exec's line. */
export interface Announcement {
  readonly line: string;
  readonly waiter: number;
  readonly log: string;
}

/** The one line that an Exec (`again`, or `again-delta-NAME`) has printed, as Puppet's output shows it. */
export function announcement(output: string, exec = 'again'): Announcement {
  const said = outputOf(output, exec);
  expect(said, output).toHaveLength(1);
  const line = said[0] ?? '';
  const waiter = Number(/\bwaiter (?:has |is )?(?:pid|process) (\d+)/.exec(line)?.[1]);
  const log = /(\/\S*\/state\/\S*[^\s.,;:)'"])/.exec(line)?.[1] ?? '';
  expect(waiter, line).toBeGreaterThan(1);
  expect(log, line).not.toBe('');
  return { line, waiter, log };
}

/** The lines that an Exec has written, as Puppet shows them at a terminal or in a log file. */
export function outputOf(output: string, exec: string): string[] {
  const shown = / *(?:\(\w+\))?: (.*)$/;
  return stripVTControlCharacters(output)
    .split('\n')
    .flatMap((line) => line.split(`Exec[${exec}]/returns`).slice(1))
    .map((rest) => shown.exec(rest)?.[1] ?? rest)
    .filter((line) => !line.startsWith('executed successfully'));
}

/** A manifest that notifies once: its first run makes a file, and the second finds it made. */
export function notifyOnce(
  world: Pick<World, 'path' | 'trigger'>,
  target = "Exec['again']",
  more = '',
): string {
  return `include common::again
${probe(world)}
${more}
file { '${world.trigger}':
  content => "x\\n",
  notify  => ${target},
}
`;
}

/** An exec that records the run. */
export function probe(world: Pick<World, 'path'>, label = 'run', parameters = ''): string {
  const [script, journal] = [world.path('bin/probe.sh'), world.path('journal')];
  return `exec { 'probe ${label}':
  command  => '/bin/sh ${script} ${journal} ${label}',
  provider => 'posix',
  ${parameters}
}`;
}

/** The first and the second of two runs. */
export function both(records: readonly Record[]): { run: Sight; rerun: Sight } {
  const [first, second] = records;
  if (!first || !second || records.length !== 2) throw new Error(`expected 2 runs, saw ${records.length}`);
  return { run: first.run, rerun: second.run };
}

/** A Puppet that ends with its run: everything but a daemon. */
function isOneRun({ argv }: Process): boolean {
  const after = argv.slice(argv.findIndex((word) => /(^|\/)puppet$/.test(word)) + 1);
  return (
    after[0] === 'apply' ||
    (after[0] === 'agent' && after.some((word) => /^(--onetime|--test|-t)$/.test(word)))
  );
}

/** A process and what comes from it belong to a world when the world's folder is named in them. */
function family(all: readonly Process[], dir: string): Process[] {
  const named = new RegExp(`${dir.replaceAll(/[^\w/-]/g, '\\$&')}(?![\\w-])`);
  const mine = new Set<number>();
  for (const process of all) {
    if ([process.exe, process.environ, ...process.argv].some((text) => named.test(text)))
      mine.add(process.pid);
  }
  for (let grown = true; grown; ) {
    grown = false;
    for (const { pid, parent } of all) {
      if (mine.has(parent) && !mine.has(pid)) {
        mine.add(pid);
        grown = true;
      }
    }
  }
  return all.filter(({ pid, state }) => mine.has(pid) && state !== 'Z');
}

async function deliver(node: Node, module: string, again: string): Promise<void> {
  await node.files.makeFolder(again);
  const source = `${module}/files/again`;
  const name = await executable(node);
  const argv = ['/bin/sh', '-euc', delivery, 'sh', source, name, again];
  const { code, output } = await node.exec({ argv });
  if (code !== 0) throw new Error(output);
}

/** Leaves the same as Puppet and its Execs, without the work of unpacking. */
const delivery = `
cp --reflink=auto -- "$1/$2" "$3/again"
cp -- "$1/deliver" "$3/deliver"
head --bytes 512 -- "$1/$2.gz" > "$3/again.gz"
mkdir --mode 700 -- "$3/state"
read -r wanted _ < "$1/$2.sums"
/bin/sh "$3/deliver" prepare "$wanted"
`;

async function executable(node: Node): Promise<string> {
  const { stdout } = await node.exec({ argv: ['/bin/uname', '-m'] });
  return stdout.trim() === 'aarch64' ? 'again-linux-arm64' : 'again-linux-x64';
}

async function tails(node: Node, state: string): Promise<string[]> {
  const names = await node.files.list(`${state}/logs`);
  return Promise.all(
    names.map(
      async (name) =>
        `${name}: ${(await node.files.read(`${state}/logs/${name}`)).toString('latin1').slice(-600)}`,
    ),
  );
}

function folders(dir: string): string[] {
  return [
    `vardir = ${dir}/var`,
    `codedir = ${dir}/code`,
    `logdir = ${dir}/log`,
    `rundir = ${dir}/run`,
    `publicdir = ${dir}/public`,
    `ssldir = ${dir}/ssl`,
  ];
}

const globalHiera = `---
version: 5
hierarchy:
  - name: world
    path: world.yaml
    data_hash: yaml_data
    datadir: data
`;

/** The link in root's PATH is the machine's, which all worlds would share. */
const noLink = 'common::again::symlink: false\n';

export function hieraData(base: string, grace = 0): string {
  return `---\ncommon::vardir::base: '${base}'\ncommon::again::grace: ${grace}\n${noLink}`;
}
