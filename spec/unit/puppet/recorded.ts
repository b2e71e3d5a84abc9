import { readFileSync } from 'node:fs';
import { type Bytes, splitAtNul } from '../../../src/os/bytes.ts';
import type { ProcessSnapshot } from '../../../src/os/process.ts';
import { parseStat } from '../../../src/os/stat.ts';
import { parseStatus } from '../../../src/os/status.ts';

interface RecordedProcess {
  readonly exe: string;
  readonly cmdline: string;
  readonly stat: string;
  readonly status: readonly string[];
}

/** The ancestors of a probe, nearest first, as spec/fixtures/proc/record.mjs saw them. Pids: 1001 is the outermost. */
export function recorded(name: string): ProcessSnapshot[] {
  const path = new URL(`../../fixtures/proc/${name}.json`, import.meta.url);
  const processes = JSON.parse(readFileSync(path, 'utf8')) as RecordedProcess[];
  return processes.map(({ exe, cmdline, stat, status }) => {
    const parsed = { stat: parseStat(stat), status: parseStatus(status.join('\n')) };
    if (!parsed.stat || !parsed.status) throw new Error(`${name}: a recorded process cannot be parsed`);
    return {
      id: { pid: Number.parseInt(stat, 10), start: parsed.stat.start },
      parent: parsed.stat.parent,
      status: parsed.status,
      image: exe as Bytes,
      argv: splitAtNul(cmdline as Bytes),
    };
  });
}
