/** The properties of a unit, as `systemctl show` writes them. */
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

/** All properties of a unit that are looked at. */
export const UNIT_PROPERTIES = [
  'ActiveState',
  'AssertResult',
  'ConditionResult',
  'ControlPID',
  'DynamicUser',
  'ExecMainStatus',
  'Id',
  'InactiveEnterTimestampMonotonic',
  'InactiveExitTimestampMonotonic',
  'InvocationID',
  'Job',
  'KillMode',
  'LoadState',
  'MainPID',
  'PrivatePIDs',
  'PrivateTmp',
  'RefuseManualStart',
  'RemainAfterExit',
  'Restart',
  'Result',
  'RootEphemeral',
  'RuntimeDirectory',
  'RuntimeDirectoryPreserve',
  'Slice',
  'StartLimitAction',
  'StartLimitBurst',
  'StartLimitIntervalUSec',
  'StateChangeTimestampMonotonic',
  'SubState',
  'Transient',
  'Type',
  'UnitFileState',
] as const;

/** When the unit was started last, in milliseconds of the monotonic clock; undefined where it was not, or where systemd has forgotten it. */
export function lastStartOf({
  InactiveExitTimestampMonotonic: microseconds,
}: Properties): number | undefined {
  const at = Number(microseconds) / 1000;
  return at > 0 ? at : undefined;
}

/** Whether the unit has ended. */
export function isOver({ ActiveState: state }: Properties): boolean {
  return state === 'inactive' || state === 'failed';
}

/** Whether the unit stays active after its end (`RemainAfterExit=yes`, systemd.service(5)). */
export function remainsActive({ ActiveState: state, SubState: detail }: Properties): boolean {
  return state === 'active' && detail === 'exited';
}

/** Whether systemd kills what is left of the unit when its main process ends (systemd.kill(5)). */
export function killsItsProcesses(properties: Properties): boolean {
  return properties.KillMode !== 'process' && properties.KillMode !== 'none';
}

/**
 * The first of a run's surroundings that are removed when its unit ends (systemd.exec(5)); undefined where there are none.
 *
 * @param environment the run's own: systemd says nothing readable of credentials, but a run that has some finds their folder there
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

/**
 * Why a unit that has ended is never started again, with the unit as its subject; undefined where it may be. A transient one is gone by then, one with `RefuseManualStart=`
 * only another unit may start, and too many starts of one with a `StartLimitAction=` would reboot the machine, or end its manager.
 */
export function neverStartsAgain(properties: Properties): string | undefined {
  if (properties.Transient === 'yes') return 'is transient';
  if (properties.RefuseManualStart === 'yes') return 'has RefuseManualStart=yes';
  const action = properties.StartLimitAction;
  return action && action !== 'none' ? `has StartLimitAction=${action}` : undefined;
}

const UNITS_OF_TIME: Readonly<Record<string, number>> = {
  us: 1e-3,
  ms: 1,
  s: 1e3,
  min: 60e3,
  h: 3600e3,
  d: 86_400e3,
  w: 7 * 86_400e3,
  month: 2_629_800e3,
  y: 31_557_600e3,
};

/**
 * A span of time in milliseconds, from the microseconds of D-Bus or from the words of `systemctl show` (systemd.time(7)); Infinity where it has no
 * end, 0 where it is not there.
 */
export function parseSpan(text: string | undefined): number {
  if (!text) return 0;
  if (text === 'infinity' || text === '18446744073709551615') return Number.POSITIVE_INFINITY;
  if (/^\d+$/.test(text)) return Number(text) / 1000;
  const parts = [...text.matchAll(/([\d.]+)\s*([a-z]+)/g)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS_OF_TIME[unit ?? ''] ?? 0), 0);
}
