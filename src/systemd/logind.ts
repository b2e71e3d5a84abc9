import { connectBus } from './bus.ts';
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

/** Whether logind clears the sessions of a user. @throws {Error} where it can't be asked */
export async function clearsSessions(user: number): Promise<boolean> {
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
    const [kills, only, except, name] = await Promise.all([
      manager('KillUserProcesses'),
      manager('KillOnlyUsers'),
      manager('KillExcludeUsers'),
      userName(),
    ]);
    return clearsSessionsOf(name, {
      killsUserProcesses: kills === true,
      onlyUsers: only as string[],
      exceptUsers: except as string[],
    });
  } finally {
    bus.close();
  }
}

const LOGIN = 'org.freedesktop.login1';
const LOGIN_PATH = '/org/freedesktop/login1';
