/** What `systemctl show` says of a unit, and logind of sessions. */
export type Properties = Readonly<Record<string, string>>;

/** Parses `name=value` lines. */
export function parseProperties(output: string): Properties {
  const properties: Record<string, string> = {};
  for (const line of output.split('\n')) {
    const equals = line.indexOf('=');
    if (equals > 0) properties[line.slice(0, equals)] = line.slice(equals + 1);
  }
  return properties;
}

/** The properties that {@link privateSurroundings} and {@link killsItsProcesses} look at. */
export const UNIT_PROPERTIES = [
  'KillMode',
  'Slice',
  'Type',
  'RemainAfterExit',
  'MainPID',
  'ControlPID',
  'PrivateTmp',
  'DynamicUser',
  'RuntimeDirectory',
  'RuntimeDirectoryPreserve',
  'LoadCredential',
  'LoadCredentialEncrypted',
  'SetCredential',
  'SetCredentialEncrypted',
  'ImportCredential',
  'RootEphemeral',
] as const;

/** Whether systemd kills what is left of the unit when its main process ends (systemd.kill(5)). */
export function killsItsProcesses(properties: Properties): boolean {
  return properties.KillMode !== 'process' && properties.KillMode !== 'none';
}

/** The first of a unit's surroundings that are removed when it ends (systemd.exec(5)); undefined where there are none. */
export function privateSurroundings(properties: Properties): string | undefined {
  const isSet = (name: string) => !['', 'no', undefined].includes(properties[name]);
  if (isSet('PrivateTmp')) return `PrivateTmp=${properties.PrivateTmp}`;
  if (isSet('DynamicUser')) return 'DynamicUser=yes';
  if (isSet('RuntimeDirectory') && properties.RuntimeDirectoryPreserve !== 'yes')
    return `RuntimeDirectory=${properties.RuntimeDirectory}`;
  if (isSet('RootEphemeral')) return 'RootEphemeral=yes';
  const credential = UNIT_PROPERTIES.filter((name) => name.includes('Credential')).find(isSet);
  return credential && `${credential}=`;
}
