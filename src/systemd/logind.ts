import { BusError, connectBus } from './bus.ts';
import type { Value, Variant } from './dbus-values.ts';
import { SYSTEM_BUS } from './service-manager.ts';

/** logind's settings of what happens to what is left of a session when it ends (logind.conf(5)). */
export interface SessionSettings {
  readonly killsUserProcesses: boolean;
  readonly onlyUsers: readonly string[];
  readonly exceptUsers: readonly string[];
}

/**
 * Whether the sessions of a user are cleared at their end. The processes in it may be other users': they are not asked about. An empty
 * list of exceptions may be the default, which spares root, or a site's own empty one, which does not; it counts as the second.
 */
export function clearsSessionsOf(user: string, settings: SessionSettings): boolean {
  if (settings.exceptUsers.includes(user)) return false;
  return settings.onlyUsers.length > 0 ? settings.onlyUsers.includes(user) : settings.killsUserProcesses;
}

/** The time span of systemd that is no limit: the largest number of 64 bits. */
const FOREVER = 2n ** 64n - 1n;

/**
 * Whether logind stops sessions that are idle (`StopIdleSessionSec=`, from systemd 252 on). It then stops the scope of the session by force, with all that is in it: those of every
 * user, whatever the other settings say.
 *
 * @param ask for that property of logind
 */
export async function stopsIdleSessions(ask: () => Promise<Value>): Promise<boolean> {
  try {
    return (await ask()) !== FOREVER;
  } catch (error) {
    if (error instanceof BusError && error.errorName === UNKNOWN_PROPERTY) return false;
    throw error;
  }
}

/** When logind ends all that is in a session. */
export interface SessionClearing {
  readonly atEnd: boolean;
  readonly whenIdle: boolean;
}

/** When logind clears the sessions of a user. @throws {Error} where it can't be asked */
export async function findClearing(user: number): Promise<SessionClearing> {
  const bus = await connectBus({ socket: SYSTEM_BUS, daemon: true });
  const ask = async (
    path: string,
    interfaceName: string,
    member: string,
    signature: string,
    values: Value[],
  ) => (await bus.call({ destination: LOGIN, path, interface: interfaceName, member, signature, values }))[0];
  const property = async (path: string, kind: string, name: string) => {
    const answer = await ask(path, 'org.freedesktop.DBus.Properties', 'Get', 'ss', [
      `${LOGIN}.${kind}`,
      name,
    ]);
    return (answer as Variant).value;
  };
  try {
    const manager = (name: string) => property(LOGIN_PATH, 'Manager', name);
    const userName = async () => {
      const path = await ask(LOGIN_PATH, `${LOGIN}.Manager`, 'GetUser', 'u', [user]);
      return String(await property(String(path), 'User', 'Name'));
    };
    const [whenIdle, kills, only, except, name] = await Promise.all([
      stopsIdleSessions(() => manager('StopIdleSessionUSec')),
      manager('KillUserProcesses'),
      manager('KillOnlyUsers'),
      manager('KillExcludeUsers'),
      userName(),
    ]);
    const settings = {
      killsUserProcesses: kills === true,
      onlyUsers: only as string[],
      exceptUsers: except as string[],
    };
    return { atEnd: clearsSessionsOf(name, settings), whenIdle };
  } finally {
    bus.close();
  }
}

const LOGIN = 'org.freedesktop.login1';
const LOGIN_PATH = '/org/freedesktop/login1';
const UNKNOWN_PROPERTY = 'org.freedesktop.DBus.Error.UnknownProperty';
