// Simulates fleets of thousands of hosts, with the timings of the last `npm run fleet`, and writes them into docs/FLEET.md:
//
//   npm run simulate

import { run } from '../../scripts/project.mjs';
import { readMeasured } from '../fleet/measured.ts';
import { reportSimulation } from './report.ts';

await run('simulate', async () => reportSimulation(readMeasured().timings));
