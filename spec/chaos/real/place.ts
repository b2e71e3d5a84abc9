import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { instrumentedExecutable, root } from '../../../scripts/project.mjs';
import { fieldsAfterName } from '../../support/stat.ts';
import { stubPuppet } from './stub.ts';

/** A second, as the instrumented executable has it: see scripts/bundle.mjs. */
export const SECOND_MS = 20;

/** The commands whose reruns meet: two ways to run Puppet, and one more set of FACTER variables of each. */
export const COMMANDS = [
  { mode: 'agent', role: undefined },
  { mode: 'apply', role: undefined },
  { mode: 'apply', role: 'a' },
  { mode: 'agent', role: 'b' },
] as const;

/** A name is one command's own, and a delta's or a `when`'s, so that what is told of it is told of one notification, or of those that replaced each other. */
export function nameOf(command: number, name: number, isWhen = false): string {
  return `c${command}-${name}${isWhen ? 'w' : ''}`;
}

/** All names that there can be. */
export const NAMES: readonly string[] = [...COMMANDS.keys()].flatMap((command) =>
  [0, 1, 2].flatMap((name) => [nameOf(command, name), nameOf(command, name, true)]),
);

function portOf(name: string): number {
  return 4000 + NAMES.indexOf(name);
}

/** A process of this PID namespace. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly comm: string;
  readonly state: string;
  readonly argv: readonly string[];
}

/** An `again now`, from its begin until its end. */
export interface Hurry {
  readonly name: string;
  readonly from: number;
  until: number;
}

/** Milliseconds of CLOCK_MONOTONIC, as the executable and the stub reckon. */
export function now(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

/** A folder with the real launcher, the instrumented executable and a stub Puppet: all that one sequence needs, and nothing of another one's. */
export class Place {
  readonly base: string;
  readonly home: string;
  readonly state: string;
  /** When each process was sent a signal that may have ended it. */
  readonly signalled = new Map<number, number>();
  /** The processes that were sent SIGKILL. */
  readonly killed = new Set<number>();
  /** When each run that this place has started had ended. */
  readonly exits = new Map<number, number>();
  /** When `again now` was called, and when reruns were held. */
  readonly hurried: Hurry[] = [];
  readonly holds: { readonly from: number; until?: number }[] = [];
  /** When what a name waits for was there. */
  readonly there = new Map<string, { readonly from: number; until?: number }[]>();
  private plans = 0;
  /** A loopback address that no other place has: those of other workers are on the same network. */
  private readonly address = `127.${[1, 2, 3].map(() => 1 + Math.floor(Math.random() * 254)).join('.')}`;
  private readonly servers = new Map<string, Server>();

  constructor(base: string, program: string) {
    this.base = base;
    this.home = join(base, 'again');
    this.state = join(this.home, 'state');
    for (const folder of ['bin', 'var/state', 'again/faults', 'plans', 'goals'])
      mkdirSync(join(base, folder), { recursive: true, mode: 0o755 });
    mkdirSync(this.state, { mode: 0o700 });
    // A small disk of its own, which a step can fill.
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k,mode=0700', 'tmpfs', this.state]);
    copyFileSync('/bin/dash', join(base, 'bin/ruby'));
    writeFileSync(join(base, 'bin/puppet'), stubPuppet(base), { mode: 0o755 });
    writeFileSync(join(base, 'site.pp'), '# read by nobody\n');
    copyFileSync(join(root, 'files/again/notify'), join(this.home, 'notify'));
    linkSync(program, join(this.home, 'again'));
    const settings = { puppet_version: '8.10.0', puppet: null, burst: 1000, max_delay: 1800, limit: null };
    writeFileSync(join(this.home, 'again.json'), JSON.stringify({ ...settings, splay: 0, grace: 2 }));
    writeFileSync(join(this.home, 'journal'), '');
    writeFileSync(join(base, 'events'), '');
  }

  /** Another executable takes the place of this one, as an update does it. */
  update(program: string): void {
    // rename(2) does nothing where both are the same file already.
    rmSync(join(this.home, '.again.new'), { force: true });
    linkSync(program, join(this.home, '.again.new'));
    renameSync(join(this.home, '.again.new'), join(this.home, 'again'));
  }

  /** Starts a run of the stub; what it does is written in a plan (stub.ts). */
  start(command: number, plan: string): ChildProcess {
    const { mode, role } = COMMANDS[command] ?? COMMANDS[0];
    const file = join(this.base, `plans/${this.plans}`);
    this.plans += 1;
    writeFileSync(file, plan);
    const folders = ['--confdir', join(this.base, 'etc'), '--vardir', join(this.base, 'var')];
    const rest = mode === 'agent' ? ['--onetime', '--no-daemonize', ...folders] : [...folders, 'site.pp'];
    const child = spawn(join(this.base, 'bin/ruby'), [join(this.base, 'bin/puppet'), mode, ...rest], {
      cwd: this.base,
      detached: true,
      stdio: 'ignore',
      env: {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        STUB_PLAN: file,
        ...(role === undefined ? {} : { FACTER_role: role }),
      },
    });
    const { pid } = child;
    if (pid !== undefined) child.on('exit', () => this.exits.set(pid, now()));
    return child;
  }

  /** The path that the condition of a name waits for. */
  goal(name: string): string {
    return join(this.base, 'goals', name);
  }

  /** Where a server answers as long as the thing that a name waits for is there. */
  endpoint(name: string): string {
    return `${this.address}:${portOf(name)}`;
  }

  async appear(name: string): Promise<void> {
    const times = this.there.get(name) ?? [];
    const last = times.at(-1);
    if (!last || last.until !== undefined) this.there.set(name, [...times, { from: now() }]);
    writeFileSync(this.goal(name), '');
    if (this.servers.has(name)) return;
    const server = createServer((socket) => socket.on('error', () => {}).end());
    this.servers.set(name, server);
    server.listen(portOf(name), this.address);
    await once(server, 'listening');
  }

  vanish(name: string): void {
    rmSync(this.goal(name), { force: true });
    this.servers.get(name)?.close();
    this.servers.delete(name);
    const last = this.there.get(name)?.at(-1);
    if (last) last.until ??= now();
  }

  /** Nothing is held from now on. */
  endHold(): void {
    for (const hold of this.holds) hold.until ??= now();
  }

  /** All processes of this PID namespace but for its first one and this one. */
  processes(): Process[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => pid !== 1 && pid !== process.pid)
      .flatMap((pid) => {
        try {
          const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
          const [state = '', parent] = fieldsAfterName(stat);
          if (state === 'Z' || state === 'X') return [];
          const argv = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').slice(0, -1);
          const comm = readFileSync(`/proc/${pid}/comm`, 'latin1').trim();
          return [{ pid, parent: Number(parent), comm, state, argv }];
        } catch {
          return [];
        }
      });
  }

  waiters(): Process[] {
    return this.targets().filter(({ argv }) => isWaiter(argv));
  }

  /**
   * Whom a signal may hit: looks and successors, but nothing else that a waiter starts, and that is its copy for a moment. Without it, the waiter becomes Puppet in another
   * way, by Ruby itself, which the stub is not.
   */
  targets(): Process[] {
    const all = this.processes();
    const waiters = new Set(all.filter(({ argv }) => isWaiter(argv)).map(({ pid }) => pid));
    return all.filter(
      ({ parent, argv }) =>
        !waiters.has(parent) || argv[1] === '--adopt' || argv.join(' ').includes('/goals/'),
    );
  }

  signal(pid: number, signal: number | NodeJS.Signals): void {
    try {
      process.kill(pid, signal);
      if (signal === 'SIGKILL') this.killed.add(pid);
      this.signalled.set(pid, this.signalled.get(pid) ?? now());
    } catch {
      // It has ended meanwhile.
    }
  }

  /** Whom a fault has killed, and when: the executable says so itself (src/os/fault.ts). */
  struck(): Map<number, number> {
    const lines = this.lines('again/journal').map((line) => line.split(' '));
    return new Map(
      lines.filter(([, , what]) => what === 'killed:').map(([at, pid]) => [Number(pid), Number(at)]),
    );
  }

  /** The records of what is pending, as they are. */
  records(): { waiter: { pid: number }; entries: { name?: string }[] }[] {
    return this.list('commands', '.json').flatMap((path) => {
      try {
        return [JSON.parse(readFileSync(path, 'utf8'))];
      } catch {
        return [];
      }
    });
  }

  list(folder: string, ending: string): string[] {
    try {
      const path = join(this.state, folder);
      return readdirSync(path)
        .filter((name) => name.endsWith(ending))
        .map((name) => join(path, name));
    } catch {
      return [];
    }
  }

  lines(file: string): string[] {
    return readFileSync(join(this.base, file), 'utf8').split('\n').slice(0, -1);
  }

  note(line: string): void {
    appendFileSync(join(this.base, 'told'), `${now()} ${line}\n`);
  }

  /** Ends every process that is left, by its pid, and removes the folder. */
  async close(): Promise<void> {
    for (const server of this.servers.values()) server.close();
    for (let round = 0; round < 200; round += 1) {
      const left = this.processes();
      if (left.length === 0) break;
      for (const { pid } of left) this.signal(pid, 'SIGKILL');
      await sleep(10);
    }
    execFileSync('umount', ['--lazy', this.state]);
    rmSync(this.base, { recursive: true, force: true });
  }
}

/** It may be called by its image in /proc, after an update. */
function isWaiter(argv: readonly string[]): boolean {
  const isAgain = argv[0]?.endsWith('/again') || argv[0]?.endsWith('/exe');
  return isAgain === true && (argv.includes('--parent') || argv[1] === '--adopt');
}

/** Two copies of the instrumented executable, of which each place has a link: an update puts the other one in its place. */
export function twoPrograms(folder: string): [string, string] {
  const paths: [string, string] = [join(folder, 'again-1'), join(folder, 'again-2')];
  for (const path of paths) copyFileSync(instrumentedExecutable, path);
  return paths;
}
