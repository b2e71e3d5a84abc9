// Builds a fleet from nothing, and measures how it converges:
//
//   npm run fleet
//
// One Puppet Server with PuppetDB on PostgreSQL, and two clusters of four hosts, one after the other, in booted containers. Writes
// measured.json, and the figures and pictures of docs/FLEET.md. Takes about 20 minutes; needs root.

import { cpus } from 'node:os';
import { root, run } from '../../scripts/project.mjs';
import { openNetwork } from '../../spec/support/container/network.ts';
import { places } from '../../spec/support/fleet/names.ts';
import { openFleetServer } from '../../spec/support/fleet/server.ts';
import { reportSimulation } from '../simulation/report.ts';
import { median } from '../statistics.mjs';
import { countCpu } from './cpu.ts';
import { type Measured, writeMeasured } from './measured.ts';
import { randomOffsets, runPass } from './pass.ts';
import { LINKS, lengthOf, runPulse, timingsOf, waitsOf } from './pulse.ts';
import { reportFleet } from './report.ts';
import type { Pass } from './story.ts';

const HOSTS = 4;

/** Seconds between two runs of the plain timer. */
const MINUTE = 60;

await run('fleet', async () => {
  const measured = await measure();
  writeMeasured(measured);
  reportFleet(measured);
  reportSimulation(measured.timings);
  console.log(`fleet: see ${root}/docs/FLEET.md`);
});
process.exit(); // where a pass has failed, others still wait for its hosts; the containers end with this process

async function measure(): Promise<Measured> {
  const network = await openNetwork();
  const open: { powerOff(): Promise<void> }[] = [];
  const close = () => Promise.all(open.splice(0).map((box) => box.powerOff()));
  try {
    heading('the server');
    const server = await openFleetServer(network);
    const offsets = randomOffsets(HOSTS);
    const all = places(2 * HOSTS);

    heading('a cluster whose hosts run again');
    server.serve('include cluster\n', hiera('blue', true));
    const first = await runPass(network, server, {
      name: 'again',
      places: all.slice(0, HOSTS),
      offsets,
      start: (agent) => agent.startDaemon(),
    });
    open.push(...first.agents.map(({ box }) => box));

    heading('all of them at once');
    const cpu = countCpu(server);
    const pulse = await runPulse(server, first.agents);
    const { puppetserver } = cpu.stop();
    heading('one of them alone');
    const lone = await runPulse(server, first.agents.slice(0, 1));
    await close();

    heading('a cluster whose hosts run every minute');
    server.serve('include cluster\n', hiera('green', false));
    const second = await runPass(network, server, {
      name: 'a timer, every minute',
      places: all.slice(HOSTS),
      offsets,
      start: (agent) => agent.startTimer(MINUTE),
    });
    open.push(...second.agents.map(({ box }) => box), server.box);
    return {
      date: new Date().toISOString().slice(0, 10),
      machine: `${cpus().length} cores of ${cpus()[0]?.model ?? 'an unknown processor'}`,
      passes: [first.pass, second.pass],
      timings: timingsOf(lone, cachedRun(first.pass)),
      pulse: {
        hosts: HOSTS,
        cores: cpus().length,
        links: LINKS,
        runs: pulse.hosts.reduce((sum, { runs }) => sum + runs.length, 0),
        seconds: lengthOf(pulse),
        worstWait: Math.max(...waitsOf(pulse)),
        cpu: puppetserver,
      },
    };
  } finally {
    await close();
    await network.close();
  }
}

/** How long a run takes that has no server. */
function cachedRun({ hosts }: Pass): number {
  return median(
    hosts.flatMap(({ runs }) => runs.filter(({ cached }) => cached)).map(({ from, to }) => to - from),
  );
}

function hiera(cluster: string, again: boolean): string {
  return `cluster::size: ${HOSTS}\ncluster::cluster: ${cluster}\ncluster::again: ${again}\n`;
}

function heading(text: string): void {
  console.log(`\n== ${new Date().toTimeString().slice(0, 8)} ${text}`);
}
