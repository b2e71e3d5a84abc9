import { existsSync } from 'node:fs';
import type { ProcessSnapshot } from '../os/process.ts';
import { readBytes } from '../os/read.ts';
import { oneLine, Refusal } from '../os/refusal.ts';
import type { Run } from '../puppet/run.ts';
import { isWrapperOf } from '../puppet/wrapper.ts';
import { hidesUnit, parseUnit, type UnitOfProcess } from './cgroup.ts';
import { findClearing, type SessionClearing } from './logind.ts';
import type { Manager } from './manager.ts';
import {
  killsItsProcesses,
  lastStartOf,
  neverStartsAgain,
  type Properties,
  privateSurroundings,
} from './properties.ts';
import { openManager, type ServiceManager } from './service-manager.ts';

/** The measures by which a waiter lives longer than the unit of its run. */
export interface Shelter {
  /** The scope that this process must move to; undefined where it can stay. */
  readonly scope: ScopeNeed | undefined;
  /** The unit that is to be started instead of the command, since something that the run needs ends with the unit. */
  readonly restart: UnitRestart | undefined;
  /** Whether the run is the main process of its service. False where that can't be told. */
  readonly isMain: boolean;
  /** The name that systemd gave to the start of the service in which the run is; undefined where there is none. */
  readonly invocation: string | undefined;
  /** Why the unit is not started although the site wants that (`rerun: unit`), a half sentence; undefined where it is, or where the site does not want that. */
  readonly whyCommand: string | undefined;
  /** Why the waiter may still end, for the line of the Exec: a half sentence. */
  readonly caveat: string | undefined;
}

export interface ScopeNeed {
  /** The manager that makes it. */
  readonly manager: Manager;
  /** Default: that of the manager. */
  readonly slice: string | undefined;
  /** Why the process can't stay where it is. */
  readonly because: string;
  /** A connection to that manager that is open already. */
  readonly asked?: ServiceManager;
}

/** A unit that is started instead of its command. Plain data, for a successor. */
export interface UnitRestart {
  readonly unit: UnitOfProcess;
  /** Whether the unit surely ends with the run. Where it continues, all that is private to it does, too, and the command is repeated there. */
  readonly certain: boolean;
  /** The things that end with it. */
  readonly because: string;
  /** The name that systemd gave to the start of the unit in which the run is. */
  readonly invocation: string;
  /** When that start was, in milliseconds of the monotonic clock; undefined where systemd does not say it. */
  readonly startedAt?: number;
  /** Whether the site wants the unit itself to be started (`rerun: unit`). Else it is, since something private to it ends with it. */
  readonly wanted?: boolean;
  /** Whether the unit was enabled then. */
  readonly enabled: boolean;
  /** Why it is never started again, with the unit as the subject, where it is not certain that it ends. */
  readonly never?: string;
}

const NONE: Shelter = {
  scope: undefined,
  restart: undefined,
  isMain: false,
  invocation: undefined,
  whyCommand: undefined,
  caveat: undefined,
};
const NO_SERVICE = 'this run is in no service of systemd';

const ROOT = 0;
const SYSTEM: Manager = { kind: 'system' };

/**
 * Finds out what would happen to this process, as the waiter, when its run ends. The way out is {@link enterScope} (scope.ts).
 *
 * @param wanted where the site wants the unit to be started again (`rerun: unit`): the ancestors of this process
 * @throws {Refusal} where the waiter can't survive, or that can't be told: no silent loss
 */
export async function findShelter(
  run: Run,
  environment: readonly string[],
  wanted?: readonly ProcessSnapshot[],
): Promise<Shelter> {
  const none = wanted ? { ...NONE, whyCommand: NO_SERVICE } : NONE;
  if (!existsSync('/run/systemd/system')) return none;
  const own = await findOwnUnit();
  if (!own) return none;
  // Another one than its run's where systemd-run(1) has moved this process.
  const its = parseUnit(readBytes(`/proc/${run.process.pid}/cgroup`)) ?? own;
  const user = process.geteuid?.() ?? ROOT;
  const asked =
    its.unit.endsWith('.service') && isTrusted(its, user) ? await openManager(its.manager) : undefined;
  let scope: ScopeNeed | undefined;
  try {
    const properties = asked && (await askFor(its, asked));
    const ends: Ends = {
      properties: own.unit === its.unit ? properties : undefined,
      cleared: await clearingOf(own),
      lingers: user !== ROOT && (await lingers()),
    };
    const inService = properties && surroundingsOfService(its, properties, run, environment, user);
    const bySite = wanted && bySiteOf(its, properties, run, wanted, { user, lingers: ends.lingers });
    scope = scopeFor(own, user, ends);
    if (scope && asked && sameManager(scope.manager, its.manager)) scope = { ...scope, asked };
    const invocation = properties?.InvocationID || undefined;
    const found = { ...NONE, invocation, ...inService, ...bySite };
    // It is started all the same, for what is private to it.
    const whyCommand = found.restart?.certain ? undefined : found.whyCommand;
    return { ...found, whyCommand, scope, caveat: caveatFor(own, user, ends) };
  } finally {
    if (!scope?.asked) asked?.close();
  }
}

function sameManager(a: Manager, b: Manager): boolean {
  return a.kind === 'user' ? b.kind === 'user' && a.user === b.user : b.kind === 'system';
}

/** The things that may end a process where it is. */
export interface Ends {
  /** Of the service that it lies in; undefined where it lies in none. */
  readonly properties: Properties | undefined;
  /** When logind clears the session that it lies in. */
  readonly cleared: SessionClearing;
  /** Whether the manager of the user whose process it is outlives that user's sessions (loginctl(1), enable-linger). False for root. */
  readonly lingers: boolean;
}

/**
 * The scope that a process needs, by the unit that it lies in and by whose process it is.
 *
 * @throws {Refusal} where it needs one that it can't have
 */
export function scopeFor(own: UnitOfProcess, user: number, ends: Ends): ScopeNeed | undefined {
  const { unit, manager } = own;
  const kills = ends.properties !== undefined && killsItsProcesses(ends.properties);
  const slice = ends.properties?.Slice || undefined;
  const mode = `${unit} has KillMode=${ends.properties?.KillMode}`;
  if (manager.kind === 'user') {
    const above = `user@${manager.user}.service`;
    // Root's process, as sudo makes one: all that lies below a user's manager ends with that, so the system's manager must have it.
    if (user === ROOT)
      return { manager: SYSTEM, slice: undefined, because: `${unit} lies below ${above} and ends with that` };
    if (!kills) return undefined;
    if (manager.user !== user)
      throw new Refusal(
        `${mode}, so nothing can wait there, and only user ${manager.user} could move it out of ${above}`,
      );
    return { manager, slice, because: mode };
  }
  if (kills) return { manager, slice, because: mode };
  const { atEnd, whenIdle } = ends.cleared;
  // Hours may pass until a session counts as idle: no reason to refuse what can only wait there.
  if (!atEnd && !(whenIdle && (user === ROOT || ends.lingers))) return undefined;
  return {
    manager: ends.lingers ? { kind: 'user', user } : SYSTEM,
    slice: undefined,
    because: atEnd
      ? `${unit} is cleared at its end (logind's KillUserProcesses= or KillOnlyUsers=)`
      : `${unit} is stopped when it is idle (logind's StopIdleSessionSec=)`,
  };
}

/** Why a process may end although it is in the best place that it can have. */
export function caveatFor(own: UnitOfProcess, user: number, ends: Ends): string | undefined {
  if (user === ROOT) return undefined;
  if (ends.cleared.whenIdle && !ends.cleared.atEnd && !ends.lingers)
    return `unless logind stops ${own.unit} by then, since it is idle (StopIdleSessionSec=)`;
  if (own.manager.kind !== 'user') return undefined;
  if (own.manager.user === user && ends.lingers) return undefined;
  return `unless user ${own.manager.user} has logged out by then (\`loginctl enable-linger\` would keep it)`;
}

/**
 * The meaning of a service's properties for its run.
 *
 * @throws {Refusal} where a waiter, or all that the run needs, ends with a service that can't be started again
 */
export function surroundingsOfService(
  unit: UnitOfProcess,
  properties: Properties,
  run: Run,
  environment: readonly string[],
  user: number,
): Pick<Shelter, 'restart' | 'isMain'> {
  // Process 1 of its namespace ends with the unit, and the kernel kills all others with that, wherever they were moved.
  if (properties.PrivatePIDs === 'yes' && properties.Type === 'oneshot') {
    throw new Refusal(
      `${unit.unit} has PrivatePIDs=yes, so nothing that begins in it can outlive it: leave that setting out`,
    );
  }
  const isMain = properties.MainPID === String(run.process.pid);
  const because = privateSurroundings(properties, environment);
  // A daemon's unit, with all that is private to it, outlives the daemon's runs.
  if (because === undefined || run.mode === 'daemon') return { restart: undefined, isMain };
  const remains = properties.RemainAfterExit === 'yes';
  // Its ExecStop= or ExecStopPost=: to start it again would undo the stop.
  const stops = properties.ActiveState === 'deactivating' && Number(properties.ControlPID) > 0 && !isMain;
  const certain = stops || (!remains && (isMain || properties.Type === 'oneshot'));
  const setting = neverStartsAgain(properties);
  const never = setting ?? (stops ? 'is being stopped' : whyNotStartedBy(user, unit));
  if (certain && never !== undefined) {
    let advice = setting === undefined ? 'leave that setting out' : 'leave one of the two settings out';
    if (properties.Transient === 'yes') advice = 'leave that setting out, or make a unit file';
    throw new Refusal(
      `the ${because} of ${unit.unit} ends with this run, and the unit cannot be started again, since it ${never}: ${advice}`,
    );
  }
  const restart = { certain, because, ...startOf(unit, properties), ...(never !== undefined && { never }) };
  return { restart, isMain };
}

/** Why this user can't start a unit, with the unit as the subject: by default, polkit lets only root start one of the system's without a question. */
function whyNotStartedBy(user: number, { manager }: UnitOfProcess): string | undefined {
  return manager.kind === 'system' && user !== ROOT ? 'may be started by root alone' : undefined;
}

function startOf(unit: UnitOfProcess, properties: Properties) {
  return {
    unit,
    invocation: properties.InvocationID ?? '',
    ...startedAt(properties),
    enabled: properties.UnitFileState?.startsWith('enabled') ?? false,
  };
}

function startedAt(properties: Properties): Pick<UnitRestart, 'startedAt'> {
  const at = lastStartOf(properties);
  return at === undefined ? {} : { startedAt: at };
}

/** The user who would start a unit again, and whether that user's own manager stays after a logout. */
export interface UnitStarter {
  readonly user: number;
  readonly lingers: boolean;
}

/** Whether the unit is started again because the site wants that, or why not. The things that are private to it count where it can't. */
function bySiteOf(
  unit: UnitOfProcess,
  properties: Properties | undefined,
  run: Run,
  ancestry: readonly ProcessSnapshot[],
  starter: UnitStarter,
): Pick<Shelter, 'whyCommand'> & Partial<Pick<Shelter, 'restart'>> {
  const whyCommand = properties ? whyNotUnit(unit, properties, run, ancestry, starter) : NO_SERVICE;
  if (!properties || whyCommand !== undefined) return { whyCommand };
  const start = startOf(unit, properties);
  return { whyCommand, restart: { certain: true, wanted: true, because: 'rerun: unit', ...start } };
}

/** The settings with which a service does not become inactive when its main process has ended well (systemd.service(5)). */
const STAYS = new Set(['RemainAfterExit=yes', 'Restart=always', 'Restart=on-success']);

/** Why a service can't take the place of its command; undefined where it can: it ends with this run, and may be started by hand. */
export function whyNotUnit(
  ofRun: UnitOfProcess,
  properties: Properties,
  run: Run,
  ancestry: readonly ProcessSnapshot[],
  { user, lingers }: UnitStarter,
): string | undefined {
  const { unit, manager } = ofRun;
  if (run.mode === 'daemon') return `${unit} is the daemon's`;
  if (manager.kind === 'user' && !lingers) return `user ${manager.user} does not linger`;
  for (const setting of ['RemainAfterExit', 'Restart'])
    if (STAYS.has(`${setting}=${properties[setting]}`))
      return `${unit} has ${setting}=${properties[setting]}`;
  const never = neverStartsAgain(properties) ?? whyNotStartedBy(user, ofRun);
  if (never !== undefined) return `${unit} ${never}`;
  const main = Number(properties.MainPID);
  const from = ancestry.findIndex(({ id }) => id.pid === run.process.pid);
  const to = ancestry.findIndex(({ id }) => id.pid === main);
  if (from < 0 || to < from) return `this run is not the main process of ${unit}`;
  const other = ancestry.slice(from + 1, to + 1).find(({ argv }) => !isWrapperOf(argv, run));
  return other && `${unit} may do more than this run (pid ${other.id.pid})`;
}

/**
 * The unit of this process. A process that has a cgroup namespace of its own (`ProtectControlGroups=private`) can't see where it lies, so
 * systemd is asked.
 */
async function findOwnUnit(): Promise<UnitOfProcess | undefined> {
  const cgroup = readBytes('/proc/self/cgroup');
  const seen = parseUnit(cgroup);
  if (seen) return seen;
  try {
    const unit = await withManager(SYSTEM, (manager) => manager.ownUnit());
    if (unit === undefined) return undefined;
    const user = Number(/^user@(\d+)\.service$/.exec(unit)?.[1] ?? Number.NaN);
    if (Number.isNaN(user)) return { unit, manager: SYSTEM, user: undefined };
    const below: Manager = { kind: 'user', user };
    if (!isTrusted({ manager: below }, process.geteuid?.() ?? ROOT)) return { unit, manager: below, user };
    const inner = await withManager(below, (manager) => manager.ownUnit());
    return inner === undefined ? { unit, manager: SYSTEM, user } : { unit: inner, manager: below, user };
  } catch (error) {
    // A path that is none of systemd's, as that of a container, is no unit either.
    if (!hidesUnit(cgroup)) return undefined;
    throw new Refusal(
      `it cannot be told which unit of systemd this run is in, and so whether that unit kills the processes that the run leaves behind: ${oneLine(error)}`,
    );
  }
}

/** Root does not trust the manager of another user, whose answers are that user's. Root's process goes to a scope of the system's in any case. */
function isTrusted({ manager }: Pick<UnitOfProcess, 'manager'>, user: number): boolean {
  return manager.kind === 'system' || user !== ROOT || manager.user === ROOT;
}

async function askFor({ unit }: UnitOfProcess, asked: ServiceManager): Promise<Properties> {
  try {
    return await asked.properties(unit);
  } catch (error) {
    throw new Refusal(
      `systemd cannot be asked whether ${unit} kills what it leaves behind: ${oneLine(error)}`,
    );
  }
}

/** logind looks at the user who logged in, not at the user of the processes. */
async function clearingOf({ unit, user }: UnitOfProcess): Promise<SessionClearing> {
  if (user === undefined || !/^session-.*\.scope$/.test(unit)) return { atEnd: false, whenIdle: false };
  try {
    return await findClearing(user);
  } catch (error) {
    // Out of it, root's process is safe in any case.
    if (process.geteuid?.() === ROOT) return { atEnd: true, whenIdle: false };
    throw new Refusal(`logind cannot be asked whether it clears ${unit} at its end: ${oneLine(error)}`);
  }
}

async function lingers(): Promise<boolean> {
  const { userInfo } = await import('node:os');
  try {
    return existsSync(`/var/lib/systemd/linger/${userInfo().username}`);
  } catch {
    return false; // a user without an entry (`User=12345`) has no name to linger by
  }
}

async function withManager<Result>(
  manager: Manager,
  work: (asked: ServiceManager) => Promise<Result>,
): Promise<Result> {
  const asked = await openManager(manager);
  try {
    return await work(asked);
  } finally {
    asked.close();
  }
}
