/** The systemd unit that a process lies in. */
export interface UnitOfProcess {
  readonly unit: string;
  /** The manager that runs it: the system's, or a user's own (`systemd --user`). */
  readonly manager: { readonly kind: 'system' } | { readonly kind: 'user'; readonly user: number };
  /** The user whose slice it lies in, who logged in there: not always the one whose process it is. Undefined outside of those slices. */
  readonly user: number | undefined;
}

const UNIT = /\.(service|scope)(\/|$)/;

/**
 * Finds the unit in the text of /proc/PID/cgroup (cgroups(7)): the innermost component that is a service or scope, of the unified hierarchy or
 * of systemd's own one (v1). Undefined where none can be seen: the process lies in none, as in a container without systemd, or it has a cgroup
 * namespace of its own.
 */
export function parseUnit(cgroup: string): UnitOfProcess | undefined {
  // Either line may read `/` where the other one has the truth: on a host of v1, and in a container of v2 on such a host.
  const components = (pathsOf(cgroup).find((path) => UNIT.test(path)) ?? '').split('/');
  const at = components.findLastIndex((component) => UNIT.test(component));
  const unit = components[at];
  if (unit === undefined || at < 0) return undefined;
  const above = components.slice(0, at);
  const manager = lastNumber(above, /^user@(\d+)\.service$/);
  return {
    unit: unescapeComponent(unit),
    manager: manager === undefined ? { kind: 'system' } : { kind: 'user', user: manager },
    user: lastNumber(above, /^user-(\d+)\.slice$/),
  };
}

/** Whether nothing can be seen of where the process lies: the root of the hierarchies, which may be that of its cgroup namespace. */
export function hidesUnit(cgroup: string): boolean {
  return pathsOf(cgroup).every((path) => path === '/' || path === '');
}

/** Of the unified hierarchy, and of systemd's own one. */
function pathsOf(cgroup: string): string[] {
  const lines = cgroup.split('\n').map((line) => /^\d+:([^:]*):(.*)$/.exec(line));
  return ['', 'name=systemd'].map((hierarchy) => lines.find((line) => line?.[1] === hierarchy)?.[2] ?? '');
}

function lastNumber(components: readonly string[], pattern: RegExp): number | undefined {
  const found = components.findLast((component) => pattern.test(component));
  return found === undefined ? undefined : Number(pattern.exec(found)?.[1]);
}

/** systemd puts `_` before names that cgroupfs would misread (cg_escape). */
function unescapeComponent(component: string): string {
  return component.startsWith('_') ? component.slice(1) : component;
}
