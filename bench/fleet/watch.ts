import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { FleetAgent } from '../../spec/support/fleet/agent.ts';
import { dueTime, type Entry } from '../../src/schedule/entry.ts';
import type { HostStory, RunSeen, Span, WaitSeen } from './story.ts';

/** Milliseconds between two looks: times are known to this, and no better. */
export const LOOK_MS = 200;

const LOCK = '/var/cache/puppet/state/agent_catalog_run.lock';
const REPORT = '/var/cache/puppet/state/last_run_report.yaml';
const RECORDS = '/var/lib/puppet/tmp/common/again/state/commands';
const HISTORY = '/var/lib/puppet/tmp/common/again/state/history';
const CONFIGURATION = '/etc/cluster/cluster.conf';

/** Watches one host from outside, through its files: that costs it nothing. */
export interface Watch {
  /** The last state of the cluster that it came to. */
  state(): string | undefined;
  isIdle(): boolean;
  runs(): readonly RunSeen[];
  stop(startedAt: number): HostStory;
}

type Growing<T extends Span> = T & { to: number };

/** @param now  seconds since the pass began */
export function watchHost({ host, box }: FleetAgent, now: () => number): Watch {
  const root = rootOf(box.init);
  const runs: Growing<RunSeen>[] = [];
  const waits: Growing<WaitSeen>[] = [];
  const down: Growing<Span>[] = [];
  const states: { state: string; at: number }[] = [];
  let running: number | undefined;
  let waiter: Waiter | undefined;

  const lookAtRun = (folder: string, at: number) => {
    const pid = Number(read(`${folder}${LOCK}`)) || undefined;
    const last = runs.at(-1);
    if (running !== undefined && last) last.to = at;
    if (running !== undefined && pid !== running && last) {
      const report = read(`${folder}${REPORT}`);
      runs[runs.length - 1] = { ...last, cached: /^cached_catalog_status: on_failure/m.test(report ?? '') };
    }
    if (pid !== undefined && pid !== running)
      runs.push({ from: at, to: at, ...originOf(folder, pid, at), cached: false });
    running = pid;
  };
  const lookAtWaiter = (folder: string, at: number) => {
    const found = waiterOf(folder);
    if (found?.due !== undefined) {
      if (waiter?.pid === found.pid && waiter.due !== undefined) (waits.at(-1) as Growing<WaitSeen>).to = at;
      else waits.push({ from: at, to: at, link: found.link });
    }
    waiter = found;
  };
  const look = () => {
    const at = now();
    const folder = root();
    if (folder === undefined) {
      running = undefined;
      waiter = undefined;
      return extend(down, at);
    }
    lookAtRun(folder, at);
    lookAtWaiter(folder, at);
    const state = /^state = (.*)$/m.exec(read(`${folder}${CONFIGURATION}`) ?? '')?.[1];
    if (state && state !== states.at(-1)?.state) states.push({ state, at });
  };
  const timer = setInterval(look, LOOK_MS);
  return {
    state: () => states.at(-1)?.state,
    isIdle: () => running === undefined,
    runs: () => runs,
    stop(startedAt) {
      clearInterval(timer);
      return { host, startedAt, runs, waits, down, states };
    },
  };
}

/** Makes the last span longer, where it went on at the last look, or begins one. */
function extend(spans: Growing<Span>[], at: number): void {
  const last = spans.at(-1);
  if (last && at - last.to < (5 * LOOK_MS) / 1000) last.to = at;
  else spans.push({ from: at, to: at });
}

interface Waiter {
  readonly pid: number;
  readonly link: number;
  /** Undefined while the notifying run has not ended. */
  readonly due: number | undefined;
}

function waiterOf(folder: string): Waiter | undefined {
  const path = `${folder}${RECORDS}`;
  const name = list(path).find((file) => file.endsWith('.json'));
  const text = name && read(`${path}/${name}`);
  if (!text) return undefined;
  const record = JSON.parse(text) as { waiter: { pid: number }; entries: Entry[] };
  const [entry] = record.entries;
  return entry && { pid: record.waiter.pid, link: entry.link, due: dueTime(entry) };
}

/** The note of `again` about a run, from before it began; empty where it is not a rerun. A wait may be too short to be seen. */
function originOf(folder: string, pid: number, at: number): Pick<RunSeen, 'link' | 'startedAt'> {
  const newest = list(`${folder}${HISTORY}`).sort().at(-1);
  const text = newest && read(`${folder}${HISTORY}/${newest}`);
  const past = text ? (JSON.parse(text) as { pid: number; link: number; startedAt: string }) : undefined;
  if (past?.pid !== pid) return { link: 0, startedAt: undefined };
  return { link: past.link, startedAt: at - (Date.now() - Date.parse(past.startedAt)) / 1000 };
}

/** Where a container's files are seen, looked for again only when it has been rebooted; undefined while it is down. */
function rootOf(init: () => number): () => string | undefined {
  let found: string | undefined;
  return () => {
    if (found && existsSync(`${found}/etc/hostname`)) return found;
    try {
      found = `/proc/${init()}/root`;
      return existsSync(`${found}/etc/hostname`) ? found : undefined;
    } catch {
      return undefined;
    }
  };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
