import { type Bus, BusError, connectBus } from './bus.ts';
import type { UnitOfProcess } from './cgroup.ts';
import type { Value, Variant } from './dbus-values.ts';
import type { Manager } from './manager.ts';
import { type Properties, UNIT_PROPERTIES } from './properties.ts';
import { showUnit, startByTool, systemStateByTool } from './systemctl.ts';

/** systemd, asked by one connection to it. */
export interface ServiceManager {
  /** The unit that this very process lies in, whatever it may see of its cgroup; undefined where it lies in none. */
  ownUnit(): Promise<string | undefined>;
  /** The properties of a unit; systemd reads the unit's file where it has to. */
  properties(unit: string): Promise<Properties>;
  /** The state of the machine, as `systemctl is-system-running` says it; undefined where systemd can't be asked. */
  systemState(): Promise<string | undefined>;
  /** Has a unit started, and does not wait for that. @throws {BusError} where systemd refuses */
  start(unit: string): Promise<void>;
  /**
   * Has systemd move this process into a new scope, which it does a moment later. Undefined where only systemd-run(1) can.
   *
   * @throws {BusError} where systemd refuses
   */
  readonly startScope: ((scope: NewScope) => Promise<void>) | undefined;
  close(): void;
}

export interface NewScope {
  /** With its suffix. */
  readonly name: string;
  readonly description: string;
  /** Default: that of the manager. */
  readonly slice: string | undefined;
}

/**
 * Connects to systemd by its own socket, so that no daemon of D-Bus is needed. systemd lets only root in there, so other users reach the system's
 * manager by D-Bus. Where neither can be reached, the tools of systemd are called, which have ways of their own.
 */
export async function openManager(manager: Manager): Promise<ServiceManager> {
  const user = process.geteuid?.() ?? 0;
  try {
    return overBus(
      manager.kind === 'user'
        ? await connectBus({ socket: `/run/user/${manager.user}/systemd/private`, daemon: false })
        : user === 0
          ? await connectBus({ socket: '/run/systemd/private', daemon: false })
          : await connectBus({ socket: SYSTEM_BUS, daemon: true }),
      manager.kind === 'system' && user !== 0,
    );
  } catch {
    return overTools(manager);
  }
}

/** Where the daemon of D-Bus listens (D-Bus Specification, "System message bus"). */
export const SYSTEM_BUS = '/run/dbus/system_bus_socket';

const MANAGER = { path: '/org/freedesktop/systemd1', interface: 'org.freedesktop.systemd1.Manager' };

/** systemd takes this pid for that of its caller, as the kernel tells it: right also where the caller has a PID namespace of its own. */
const MYSELF = 0;

function overBus(bus: Bus, isDaemon: boolean): ServiceManager {
  const destination = isDaemon ? { destination: 'org.freedesktop.systemd1' } : {};
  const call = (member: string, signature: string, values: readonly Value[]) =>
    bus.call({ ...destination, ...MANAGER, member, signature, values });
  const askFor = (member: string, path: string, signature: string, values: readonly Value[]) =>
    bus.call({
      ...destination,
      path,
      interface: 'org.freedesktop.DBus.Properties',
      member,
      signature,
      values,
    });
  const propertiesAt = async (path: string): Promise<Properties> => {
    const [all] = await askFor('GetAll', path, 's', ['']); // of all interfaces of the unit
    const named = new Map(all as [string, Variant][]);
    return Object.fromEntries(
      UNIT_PROPERTIES.flatMap((name) => {
        const found = named.get(name);
        return found ? [[name, textOf(found.signature, found.value)]] : [];
      }),
    );
  };
  return {
    async ownUnit() {
      try {
        const [path] = await call('GetUnitByPID', 'u', [MYSELF]);
        return (await propertiesAt(String(path))).Id;
      } catch (error) {
        if (error instanceof BusError && error.errorName === 'org.freedesktop.systemd1.NoUnitForPID')
          return undefined;
        throw error;
      }
    },
    properties: (unit) => propertiesAt(pathOfUnit(unit)),
    async systemState() {
      const [state] = await askFor('Get', MANAGER.path, 'ss', [MANAGER.interface, 'SystemState']);
      return String((state as Variant).value);
    },
    async start(unit) {
      await call('StartUnit', 'ss', [unit, 'replace']);
    },
    async startScope({ name, description, slice }) {
      const properties: [string, Variant][] = [
        ['PIDs', { signature: 'au', value: [MYSELF] }],
        ['Description', { signature: 's', value: description }],
        // Else a scope that could not be made, or whose process failed, would stay in the list of failed units.
        ['CollectMode', { signature: 's', value: 'inactive-or-failed' }],
      ];
      if (slice !== undefined) properties.push(['Slice', { signature: 's', value: slice }]);
      await call('StartTransientUnit', 'ssa(sv)a(sa(sv))', [name, 'fail', properties, []]);
    },
    close: bus.close,
  };
}

function overTools(manager: Manager): ServiceManager {
  return {
    ownUnit: () => Promise.reject(new Error('systemd cannot be reached by its socket, nor by D-Bus')),
    properties: (unit) => showUnit(unitOf(unit, manager)),
    systemState: systemStateByTool,
    start: (unit) => startByTool(unitOf(unit, manager)),
    startScope: undefined,
    close: () => {},
  };
}

function unitOf(unit: string, manager: Manager): UnitOfProcess {
  return { unit, manager, user: undefined };
}

/** The object of a unit: a character that is neither letter nor digit is written as its number (sd_bus_path_encode(3)). */
export function pathOfUnit(unit: string): string {
  const label = Buffer.from(unit)
    .toString('latin1')
    .replace(
      /[^A-Za-z0-9]|^[0-9]/g,
      (character) => `_${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
    );
  return `/org/freedesktop/systemd1/unit/${label}`;
}

/** A value as `systemctl show` writes it, but for times, which stay numbers of microseconds. */
function textOf(signature: string, value: Value): string {
  if (signature === 'ay') return Buffer.from(value as number[]).toString('hex');
  if (signature === '(uo)') return textOf('u', (value as Value[])[0] || ''); // a job, and its number is 0 where there is none
  if (Array.isArray(value)) return signature === 'as' ? value.join(' ') : '';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'object' ? '' : String(value);
}
