// A process that becomes a rerun: node become.worker.ts FILE, where FILE holds the rerun as JSON.

import { readFileSync } from 'node:fs';
import { become } from '../../../src/repeat/become.ts';
import { restoreOpenFiles } from '../../../src/repeat/limit.ts';
import type { Rerun } from '../../../src/repeat/rerun.ts';

const rerun = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Rerun;
const limitRestored = restoreOpenFiles(rerun.surroundings.openFiles);
become({ ...rerun, limitRestored: rerun.limitRestored && limitRestored });
