/** The systemd unit that a process lies in. */
export interface UnitOfProcess {
  readonly unit: string;
  /** The manager that runs it: the system's, or a user's own (`systemd --user`). */
  readonly manager: { readonly kind: 'system' } | { readonly kind: 'user'; readonly user: number };
}

const UNIT = /\.(service|scope)(\/|$)/;

/**
 * Finds the unit in the text of /proc/PID/cgroup (cgroups(7)): the innermost component that is a service or scope, of the unified hierarchy or
 * of systemd's own one (v1). Undefined where the process lies in none, as in a container without systemd.
 */
export function parseUnit(cgroup: string): UnitOfProcess | undefined {
  const lines = cgroup.split('\n').map((line) => /^\d+:([^:]*):(.*)$/.exec(line));
  // Either line may read `/` where the other one has the truth: on a host of v1, and in a container of v2 on such a host.
  const paths = ['', 'name=systemd'].map(
    (hierarchy) => lines.find((line) => line?.[1] === hierarchy)?.[2] ?? '',
  );
  const components = (paths.find((path) => UNIT.test(path)) ?? '').split('/');
  const at = components.findLastIndex((component) => UNIT.test(component));
  const unit = components[at];
  if (unit === undefined || at < 0) return undefined;
  const user = components.slice(0, at).reduce<number | undefined>((found, component) => {
    const id = /^user@(\d+)\.service$/.exec(component)?.[1];
    return id === undefined ? found : Number(id);
  }, undefined);
  return {
    unit: unescapeComponent(unit),
    manager: user === undefined ? { kind: 'system' } : { kind: 'user', user },
  };
}

/** systemd puts `_` before names that cgroupfs would misread (cg_escape). */
function unescapeComponent(component: string): string {
  return component.startsWith('_') ? component.slice(1) : component;
}
