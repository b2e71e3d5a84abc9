import type { Bytes } from '../os/bytes.ts';
import type { ReportMark } from '../puppet/report.ts';
import type { PuppetSettings } from '../puppet/settings.ts';
import type { FileId } from '../repeat/executable.ts';
import type { Surroundings } from '../repeat/surroundings.ts';
import type { ChainRules } from '../schedule/chain.ts';
import type { Settings } from '../state/settings.ts';
import type { UnitRestart } from '../systemd/shelter.ts';

/** The state that a waiter holds in memory alone, beside the record on disk: no environment goes there. Plain data, for a successor. */
export interface WaiterContext {
  /** The folder of the executable. */
  readonly home: string;
  /** The command, as the state folder names it. */
  readonly id: string;
  readonly surroundings: Surroundings;
  readonly puppet: PuppetSettings;
  /** Whether the notifying run left nothing out: neither a no-op run, nor one of some tags. */
  readonly whole: boolean;
  /** The notifying run's own interpreter. */
  readonly image: FileId;
  /** The file that `puppet apply` will read, where that can be told. */
  readonly manifest: Bytes | undefined;
  /** Puppet's last report as it was when the run notified. */
  readonly reportMark: ReportMark;
  /** The notifying run's Puppet environment, once its report has told it. */
  readonly puppetEnvironment: string | undefined;
  /** The unit to start instead of becoming the command, where the run's surroundings ended with it. */
  readonly restart: UnitRestart | undefined;
  /** How far reruns of a chain keep apart. */
  readonly rules: Pick<ChainRules, 'burst' | 'maxDelay'>;
  /** Milliseconds of grace after a run whose script may start another one. */
  readonly grace: number;
  /** Where the rerun's output goes, if that works when it starts. */
  readonly logdest: Settings['logdest'];
}
