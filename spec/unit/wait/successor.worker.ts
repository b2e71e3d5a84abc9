// One of the two sides of a handover, in a process of its own: node successor.worker.ts adopt|start. Prints what has come of it as JSON.

import type { WaiterContext } from '../../../src/wait/context.ts';
import { adopt, startSuccessor } from '../../../src/wait/successor.ts';
import { entry } from '../schedule/entries.ts';
import { record } from '../state/record.ts';

/** What has come of the start of a successor. */
export interface Started {
  readonly error: string | undefined;
  /** How often the successor was recorded. */
  readonly recorded: number;
}

const [side] = process.argv.slice(2);
const result = side === 'adopt' ? { adopted: adopt() } : await start();
process.stdout.write(JSON.stringify(result));

/** The program of this process is Node, which does not know `--adopt`, and ends. */
async function start(): Promise<Started> {
  let recorded = 0;
  const error = await startSuccessor({} as WaiterContext, entry({ name: 'later' }), () => {
    recorded += 1;
    return record();
  }).then(
    () => undefined,
    ({ message }: Error) => message,
  );
  return { error, recorded };
}
