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
  'MainPID',
  'ControlPID',
  'PrivateTmp',
  'DynamicUser',
  'RuntimeDirectory',
  'RuntimeDirectoryPreserve',
  'RootEphemeral',
] as const;

/** Whether systemd kills what is left of the unit when its main process ends (systemd.kill(5)). */
export function killsItsProcesses(properties: Properties): boolean {
  return properties.KillMode !== 'process' && properties.KillMode !== 'none';
}

/**
 * The first of a run's surroundings that are removed when its unit ends (systemd.exec(5)); undefined where there are none.
 *
 * @param environment the run's own: `systemctl show` says nothing readable of credentials, but a run that has some finds their folder there
 */
export function privateSurroundings(
  properties: Properties,
  environment: readonly string[],
): string | undefined {
  const isSet = (name: string) => !['', 'no', undefined].includes(properties[name]);
  if (isSet('PrivateTmp')) return `PrivateTmp=${properties.PrivateTmp}`;
  if (isSet('DynamicUser')) return 'DynamicUser=yes';
  if (isSet('RuntimeDirectory') && properties.RuntimeDirectoryPreserve !== 'yes')
    return `RuntimeDirectory=${properties.RuntimeDirectory}`;
  if (isSet('RootEphemeral')) return 'RootEphemeral=yes';
  return environment.some((entry) => entry.startsWith('CREDENTIALS_DIRECTORY='))
    ? '$CREDENTIALS_DIRECTORY'
    : undefined;
}
