import { readFileSync, writeFileSync } from 'node:fs';
import type { RunTimings } from '../simulation/fleet.ts';
import type { Pass } from './story.ts';

/** Seconds between two looks of examples/cluster. */
export const LOOK_INTERVAL = 7;

/** Seconds of CPU time that one look at PuppetDB takes, by the script of examples/cluster. */
export interface Look {
  readonly host: number;
  /** With PostgreSQL. */
  readonly puppetdb: number;
}

/** The figures of the last `npm run fleet`. */
export interface Measured {
  readonly date: string;
  readonly machine: string;
  readonly passes: readonly Pass[];
  readonly timings: RunTimings;
  readonly look: Look;
  /** All hosts at once, and the same in the simulation. */
  readonly pulse: {
    readonly hosts: number;
    readonly cores: number;
    readonly links: number;
    readonly runs: number;
    readonly seconds: number;
    readonly worstWait: number;
    /** Seconds of CPU time of Puppet Server alone. */
    readonly cpu: number;
  };
}

const path = new URL('measured.json', import.meta.url);

export function readMeasured(): Measured {
  return JSON.parse(readFileSync(path, 'utf8'));
}

export function writeMeasured(measured: Measured): void {
  writeFileSync(path, `${JSON.stringify(measured, (_, value) => rounded(value), 1)}\n`);
}

function rounded(value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
}
