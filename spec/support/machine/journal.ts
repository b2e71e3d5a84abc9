import { join } from 'node:path';
import { fieldsAfterName } from '../stat.ts';
import type { Files } from './node.ts';

/** A process as `/proc` showed it. */
export interface Sight {
  readonly pid: number;
  readonly cmdline: Buffer;
  readonly argv: readonly string[];
  readonly environ: Buffer;
  readonly status: ReadonlyMap<string, string>;
  readonly limits: string;
  readonly nice: number;
  readonly startTime: number;
  readonly oomScoreAdj: string;
  readonly cgroup: string;
  readonly cwd: string;
  readonly exe: string;
  readonly exeInode: number;
  /** `number target` of each open descriptor. */
  readonly descriptors: readonly string[];
}

/** One call of `probe.sh`. */
export interface Record {
  readonly label: string;
  /** Seconds since boot, to a hundredth: the clock of `Clock`, more coarsely. */
  readonly uptime: number;
  readonly run: Sight;
  readonly parent: Sight;
  readonly child: Sight;
}

/** All records of a journal, oldest first. */
export async function readJournal(
  files: Pick<Files, 'list' | 'read'>,
  journal: string,
): Promise<readonly Record[]> {
  const names = (await files.list(journal)).filter((name) => !name.startsWith('.'));
  return Promise.all(names.map((name) => readRecord(files, join(journal, name), name)));
}

async function readRecord(files: Pick<Files, 'read'>, folder: string, name: string): Promise<Record> {
  const [run, parent, child] = await Promise.all(
    ['run', 'parent', 'child'].map((who) => readSight(files, join(folder, who))),
  );
  return {
    label: name.split('-').slice(2).join('-'),
    uptime: Number(await files.read(join(folder, 'uptime'))),
    run: run as Sight,
    parent: parent as Sight,
    child: child as Sight,
  };
}

async function readSight(files: Pick<Files, 'read'>, folder: string): Promise<Sight> {
  const read = (name: string) => files.read(join(folder, name));
  const text = async (name: string) => (await read(name)).toString('latin1').replace(/\n$/, '');
  const [cmdline, environ, stat] = [await read('cmdline'), await read('environ'), await text('stat')];
  const fields = fieldsAfterName(stat);
  return {
    pid: Number.parseInt(stat, 10),
    cmdline,
    argv: cmdline.toString('latin1').replace(/\0$/, '').split('\0'),
    environ,
    status: new Map(
      (await text('status')).split('\n').map((line) => line.split(/:\s*/, 2) as [string, string]),
    ),
    limits: await text('limits'),
    nice: Number(fields[16]),
    startTime: Number(fields[19]),
    oomScoreAdj: await text('oom_score_adj'),
    cgroup: await text('cgroup'),
    cwd: await text('cwd'),
    exe: await text('exe'),
    exeInode: Number(await text('exe-inode')),
    descriptors: (await text('fd')).split('\n').sort(),
  };
}

/** When each Ruby that loaded `clock.rb` started and ended, in seconds since boot. */
export interface Clock {
  readonly starts: readonly Stamp[];
  readonly ends: readonly Stamp[];
}

export interface Stamp {
  readonly pid: number;
  readonly at: number;
  /** At a start: `number=target` of each open descriptor, without numbers of inodes. */
  readonly given: readonly string[];
}

export async function readClock(files: Files, path: string): Promise<Clock> {
  const lines = (await files.exists(path)) ? (await files.read(path)).toString().trim().split('\n') : [];
  const of = (event: string) =>
    lines
      .map((line) => line.split(' '))
      .filter(([what]) => what === event)
      .map(([, pid, at, given]) => ({ pid: Number(pid), at: Number(at), given: given?.split(',') ?? [] }));
  return { starts: of('start'), ends: of('end') };
}
