import { type ProcessSnapshot, readProcess } from '../os/process.ts';
import { readBytes } from '../os/read.ts';
import { describeRunOf, type OrphanedRun, refuseOtherUser } from '../puppet/identify.ts';
import type { Run } from '../puppet/run.ts';
import { lockPid, pidFiles } from '../puppet/settings.ts';
import { parseUnit } from '../systemd/cgroup.ts';
import { openManager } from '../systemd/service-manager.ts';

/**
 * The orphaned run as one of the daemon that has taken the place of its own, whose arguments and environment its rerun gets: the main process of the run's
 * unit, or the one in the agent's `pidfile`.
 *
 * @throws {OrphanedRun} where there is none
 */
export async function withNewDaemon(orphan: OrphanedRun, user: number): Promise<Run> {
  for (const pid of [await mainProcess(orphan.run), ...pidFiles(user, []).map(lockPid)]) {
    const daemon = pid === undefined ? undefined : readProcess(pid);
    const run = daemon && describeRunOf(orphan.run, daemon);
    if (!run || !daemon) continue;
    refuseOtherUser(orphan.run, user);
    refuseOtherUser(daemon, user);
    return run;
  }
  throw orphan;
}

/** The main process of the unit that a process lies in, as systemd says. */
async function mainProcess({ id }: ProcessSnapshot): Promise<number | undefined> {
  const unit = parseUnit(readBytes(`/proc/${id.pid}/cgroup`));
  if (!unit) return undefined;
  try {
    const manager = await openManager(unit.manager);
    try {
      return Number((await manager.properties(unit.unit)).MainPID) || undefined;
    } finally {
      manager.close();
    }
  } catch {
    return undefined; // systemd is not there: the pidfile may tell
  }
}
