import { readFileSync } from 'node:fs';
import { inside } from './inside.ts';
import { type Finished, type RunOptions, run } from './run.ts';

export interface ExecOptions extends RunOptions {
  /** Added to `PATH`, `HOME`, `USER`, `LOGNAME`, `SHELL` and `LANG=C.UTF-8`; nothing is inherited. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default `/`. */
  readonly cwd?: string;
  /** Name of an account of the container. Default `root`. No PAM, no session: that is what `su -l` is for. */
  readonly user?: string;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Shared with the machine, not kept apart by a namespace: no process in the container may change them. */
const DENIED = ['sys_time', 'sys_module', 'sys_rawio', 'sys_boot'].map((name) => `-${name}`).join();

// The control group comes first: it can't be joined from within. One of its own, as the root must be empty
// for controllers; by its name it is no unit of systemd's, so this is a process "not in any unit".
const JOIN = 'group=$1/payload/exec; shift; mkdir -p "$group"; echo $$ > "$group/cgroup.procs"; exec "$@"';
const CHANGE_FOLDER = 'cd -- "$1" && shift && unset OLDPWD && exec "$@"';

/**
 * Runs a command in all namespaces of a container (mount, pid, net, ipc, uts, cgroup). It has no terminal,
 * and no service manager above it: like `docker exec`.
 *
 * @param init host's pid of the container's process 1.
 * @param group folder of the container's control group.
 * @throws Error as {@link run} does, and for an unknown user.
 */
export function execIn(
  init: number,
  group: string,
  argv: readonly string[],
  options: ExecOptions = {},
): Promise<Finished> {
  const { user = 'root', cwd = '/', env = {}, ...rest } = options;
  const account = accountOf(`/proc/${init}/root`, user);
  const identity = [
    `--reuid=${account.uid}`,
    `--regid=${account.gid}`,
    '--init-groups',
    `--bounding-set=${DENIED}`,
  ];
  const words = [
    ...['sh', '-c', JOIN, 'sh', group],
    ...['nsenter', `--target=${init}`, '--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup', '--'],
    ...['setpriv', ...identity, 'sh', '-c', CHANGE_FOLDER, 'sh', cwd],
    ...argv,
  ];
  const base = { PATH, HOME: account.home, USER: user, LOGNAME: user, SHELL: account.shell, LANG: 'C.UTF-8' };
  return run(words, { label: argv.join(' '), ...rest, env: { ...base, ...env } });
}

function accountOf(root: string, user: string) {
  const lines = readFileSync(inside(root, '/etc/passwd'), 'utf8').split('\n');
  const found = lines.map((line) => line.split(':')).find(([name]) => name === user);
  if (!found) throw new Error(`no account ${user} in the container`);
  const [, , uid, gid, , home = '/', shell = '/bin/sh'] = found;
  return { uid, gid, home, shell };
}
