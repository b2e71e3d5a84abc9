// Builds a fleet from nothing, and measures how it converges:
//
//   npm run fleet
//
// One Puppet Server with PuppetDB on PostgreSQL and two clusters of four hosts, one after the other, in booted containers. Writes the
// figures and the pictures of docs/FLEET.md. About 20 minutes; needs root.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from '../../scripts/project.mjs';
import { openNetwork } from '../../spec/support/container/network.ts';
import { places } from '../../spec/support/fleet/names.ts';
import { openFleetServer } from '../../spec/support/fleet/server.ts';
import { randomOffsets, runPass } from './pass.ts';

const HOSTS = 4;

await run('fleet', async () => {
  const say = (line: string) => console.log(line);
  const network = await openNetwork();
  const open: { powerOff(): Promise<void> }[] = [];
  try {
    say('== the server');
    const server = await openFleetServer(network);
    open.push(server.box);
    const offsets = randomOffsets(HOSTS);
    const all = places(2 * HOSTS);

    say('== again');
    server.serve('include cluster\n', hiera('blue', true));
    const { pass: again, agents } = await runPass(
      network,
      server,
      {
        name: 'again',
        places: all.slice(0, HOSTS),
        offsets,
        start: (agent) => agent.startDaemon(),
      },
      say,
    );
    open.push(...agents.map(({ box }) => box));
    writeFileSync(join(root, 'docs/fleet.json'), JSON.stringify({ again }, null, 1));
  } finally {
    await Promise.all(open.map((box) => box.powerOff()));
    await network.close();
  }
});

function hiera(cluster: string, again: boolean): string {
  return `cluster::size: ${HOSTS}\ncluster::cluster: ${cluster}\ncluster::again: ${again}\n`;
}
