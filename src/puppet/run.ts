import type { Bytes } from '../os/bytes.ts';
import type { ProcessId } from '../os/process.ts';
import type { Argument } from './arguments.ts';

interface RunBase {
  /** The process whose end is the end of the run. */
  readonly process: ProcessId;
  /** The process that has the run's real arguments and environment: the run itself, or the daemon that forked it. */
  readonly source: ProcessId;
  /** The interpreter's file. */
  readonly executable: Bytes;
  /** All of argv, from the interpreter on. */
  readonly argv: readonly Bytes[];
  /** How many of them come before Puppet's subcommand's own arguments. */
  readonly prefix: number;
  /** The subcommand's own arguments, parsed; `at` counts from the end of the prefix. */
  readonly arguments: readonly Argument[];
}

/** `puppet apply FILE`, `puppet apply -e CODE` or `puppet apply --catalog FILE`. */
export interface ApplyRun extends RunBase {
  readonly mode: 'apply';
  /** The file that must still be there for the rerun; undefined for `-e`, and where it is not certain which one it is. */
  readonly manifest: Bytes | undefined;
}

/** One run that a person, cron or a timer started: `puppet agent --test`, `--onetime`, or `onetime = true` in puppet.conf. */
export interface AgentRun extends RunBase {
  readonly mode: 'agent';
}

/** One of the runs of an agent daemon. */
export interface DaemonRun extends RunBase {
  readonly mode: 'daemon';
}

export type Run = ApplyRun | AgentRun | DaemonRun;
