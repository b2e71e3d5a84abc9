// Simulates fleets of thousands of hosts, with the timings of the last `npm run fleet`, and writes docs/FLEET.md's figures and pictures again:
//
//   npm run simulate

import { run } from '../../scripts/project.mjs';
import { readMeasured } from '../fleet/measured.ts';
import { reportFleet } from '../fleet/report.ts';
import { reportSimulation } from './report.ts';

await run('simulate', async () => {
  const measured = readMeasured();
  reportFleet(measured);
  reportSimulation(measured);
});
