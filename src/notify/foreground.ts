import type { Bytes } from '../os/bytes.ts';
import { splitAtNul } from '../os/bytes.ts';
import type { ProcessSnapshot } from '../os/process.ts';
import { readBytes } from '../os/read.ts';
import { parseVerdict, type Verdict } from '../os/verdict.ts';
import { identifyForForeground } from '../puppet/identify.ts';
import { reportMark } from '../puppet/report.ts';
import type { Run } from '../puppet/run.ts';
import { findPuppetSettings, type PuppetSettings } from '../puppet/settings.ts';
import type { WaiterRequest } from '../schedule/request.ts';
import { findChannel, socketOf } from '../state/channel.ts';
import { formatNotice } from '../state/channel-message.ts';
import { converse } from '../state/converse.ts';
import { readSettings } from '../state/settings.ts';

/**
 * Tells the `again run` that this notification comes from below, and hands on its answer. Undefined where there is none, where it ends at this very moment, and for
 * the run of a daemon: those have a waiter in the background.
 *
 * @throws {Refusal} where it is another user's
 */
export async function tellForeground(
  request: WaiterRequest,
  ancestry: readonly ProcessSnapshot[],
): Promise<Verdict | undefined> {
  const user = process.getuid?.() ?? 0;
  const above = findChannel(ancestry, user);
  const run = above && runForForeground(ancestry.slice(0, above.at), user);
  if (!run) return undefined;
  const puppet = settingsOf(run, user);
  if (puppet.noop)
    return {
      exitCode: 0,
      text: `Nothing scheduled: this run (pid ${run.process.pid}) is a no-op run`,
    };
  const { name, delta, startTimerNow, condition } = request;
  const { burst, maxDelay, limit, splay } = readSettings();
  const asked = { name, delta, startTimerNow, ...(condition && { condition }) };
  const { lockFile, disabledFile, reportFile } = puppet;
  const files = { lockFile, disabledFile, reportFile, reportMark: reportMark(reportFile) };
  const rules = { burst, maxDelay, limit, splay };
  const notice = {
    ...asked,
    ...rules,
    run: run.process,
    puppet: { isAgent: run.mode === 'agent', ...files },
  };
  return parseVerdict(await converse(socketOf(above.channel.folder), formatNotice(notice)));
}

/** The run that an `again run` takes a notification of, by what is between the two; undefined for a daemon's, whose reruns come in the background. */
export function runForForeground(between: readonly ProcessSnapshot[], user: number): Run | undefined {
  const run = identifyForForeground(between, user);
  return run?.mode === 'daemon' ? undefined : run;
}

/** The settings of a run, also of one that can't be repeated. */
export function settingsOf(run: Run, user: number): PuppetSettings {
  let environment: readonly Bytes[] = [];
  try {
    environment = splitAtNul(readBytes(`/proc/${run.source.pid}/environ`));
  } catch {
    // It has just ended; only its home folder is taken from there.
  }
  return findPuppetSettings(run, environment, user);
}
