// Builds a fleet from nothing, and measures how it converges:
//
//   npm run fleet
//
// One Puppet Server with PuppetDB on PostgreSQL, and clusters of four hosts, one after the other, in booted containers: three passes of each way to run again, with the same three
// sets of random starts. Writes measured.json, and the figures and pictures of docs/FLEET.md. Takes about 40 minutes; needs root.

import { cpus } from 'node:os';
import { root, run } from '../../scripts/project.mjs';
import { openNetwork } from '../../spec/support/container/network.ts';
import { type FleetAgent, openFleetAgent } from '../../spec/support/fleet/agent.ts';
import { certname, type Place, places, SERVER } from '../../spec/support/fleet/names.ts';
import { type FleetServer, openFleetServer, START_MS } from '../../spec/support/fleet/server.ts';
import { reportSimulation } from '../simulation/report.ts';
import { median } from '../statistics.mjs';
import { countCpu } from './cpu.ts';
import { LOOK_INTERVAL, type Look, type Measured, readMeasured, writeMeasured } from './measured.ts';
import { randomOffsets, runPass } from './pass.ts';
import { LINKS, lengthOf, type Pulse, runPulse, timingsOf, waitsOf } from './pulse.ts';
import { reportFleet } from './report.ts';
import type { Pass } from './story.ts';

const HOSTS = 4;
const PASSES = 3;

/** Runs of another host before each pass. */
const WARMING = 3;

/** Seconds between two runs of the plain timer. */
const MINUTE = 60;

/** Looks whose cost is measured. */
const LOOKS = 200;

/** How hosts come to their next run. */
const WAYS: readonly {
  readonly name: string;
  /** Of the class `cluster`. */
  readonly reruns: 'events' | 'delays' | 'none';
  readonly start: (agent: FleetAgent) => Promise<void>;
}[] = [
  { name: 'by events', reruns: 'events', start: (agent) => agent.startDaemon() },
  { name: 'by delays', reruns: 'delays', start: (agent) => agent.startDaemon() },
  { name: 'a timer, every minute', reruns: 'none', start: (agent) => agent.startTimer(MINUTE) },
];

await run('fleet', async () => {
  writeMeasured(await measure());
  const measured = readMeasured(); // rounded, as every later report has it
  reportFleet(measured);
  reportSimulation(measured);
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
    const starts = Array.from({ length: PASSES }, () => randomOffsets(HOSTS));
    // No host of a pass is met twice, by the server or by a cluster.
    const [first, ...all] = places(1 + WAYS.length * PASSES * HOSTS) as [Place, ...Place[]];
    const other = await openFleetAgent(network, first);
    const passes: Pass[] = [];
    let pulses: Pulses | undefined;
    let look: Look | undefined;
    for (const [round, offsets] of starts.entries())
      for (const { name, reruns, start } of WAYS) {
        const number = passes.length;
        heading(`${name}, pass ${round + 1} of ${PASSES}`);
        const cluster = `c${number}`;
        await server.serve(manifestFor(cluster, other), hiera(reruns));
        await warmUp(other);
        const seen = await runPass(network, server, {
          name,
          places: all.slice(number * HOSTS, (number + 1) * HOSTS),
          offsets,
          start,
        });
        open.push(...seen.agents.map(({ box }) => box));
        if (reruns === 'events') look ??= await measureLook(server, seen.agents);
        passes.push(reruns === 'events' && look ? withLooks(seen.pass, look) : seen.pass);
        pulses ??= await pulsesOf(server, seen.agents);
        await close();
      }
    if (!pulses || !look) throw new Error('no pass');
    const { pulse, lone, cpu } = pulses;
    open.push(server.box, other.box);
    return {
      date: new Date().toISOString().slice(0, 10),
      machine: `${cpus().length} cores of ${cpus()[0]?.model ?? 'an unknown processor'}`,
      passes,
      timings: timingsOf(lone, cachedRun(passes)),
      look,
      pulse: {
        hosts: HOSTS,
        cores: cpus().length,
        links: LINKS,
        runs: pulse.hosts.reduce((sum, { runs }) => sum + runs.length, 0),
        seconds: lengthOf(pulse),
        worstWait: Math.max(...waitsOf(pulse)),
        cpu,
      },
    };
  } finally {
    await close();
    await network.close();
  }
}

/** Has the server compile what it will compile in a pass, as one in production has long done: for a host that is in no pass, and changes nothing. */
async function warmUp({ box }: FleetAgent): Promise<void> {
  const command = 'puppet agent --onetime --no-daemonize --noop --color=false';
  for (let run = 0; run < WARMING; run += 1) await box.exec(command.split(' '), { timeoutMs: START_MS });
}

/** @param other a host that is in no pass */
function manifestFor(cluster: string, other: FleetAgent): string {
  return `class { 'cluster': cluster => $trusted['hostname'] ? { '${other.host}' => 'none', default => '${cluster}' } }\n`;
}

interface Pulses {
  /** All hosts at once, and one alone. */
  readonly pulse: Pulse;
  readonly lone: Pulse;
  /** Seconds of CPU time of Puppet Server for the first one. */
  readonly cpu: number;
}

async function pulsesOf(server: FleetServer, agents: readonly FleetAgent[]): Promise<Pulses> {
  heading('all of them at once');
  const counter = countCpu(server);
  const pulse = await runPulse(server, agents);
  const { puppetserver: cpu } = counter.stop();
  heading('one of them alone');
  return { pulse, cpu, lone: await runPulse(server, agents.slice(0, 1)) };
}

/** The cost of a look at PuppetDB, as the mean of many. It waits for a state that there is not. */
async function measureLook(server: FleetServer, [agent]: readonly FleetAgent[]): Promise<Look> {
  if (!agent) throw new Error('a pass of no host');
  heading('looks at PuppetDB');
  const look = `/usr/local/sbin/cluster-next configured x ${HOSTS} ${certname(agent.host)} https://${SERVER.name}:8140 https://${SERVER.name}:8081 /var/lib/puppet/ssl`;
  const script = `TIMEFORMAT='%U %S'; time for n in $(seq ${LOOKS}); do ${look} || test $? = 1; done`;
  const counter = countCpu(server);
  const { stderr } = await agent.box.exec(['bash', '-c', script]);
  const { puppetdb, postgresql } = counter.stop();
  const [user = Number.NaN, system = Number.NaN] = stderr.trim().split(/\s+/).slice(-2).map(Number);
  return { host: (user + system) / LOOKS, puppetdb: (puppetdb + postgresql) / LOOKS };
}

/** With what its looks have cost the hosts: there is one in each interval of a wait. */
function withLooks(pass: Pass, look: Look): Pass {
  const waits = pass.hosts.flatMap(({ waits }) => waits);
  const count = waits.reduce((sum, { from, to }) => sum + Math.ceil((to - from) / LOOK_INTERVAL), 0);
  return { ...pass, looks: { count, cpu: count * look.host } };
}

/** How long a run takes that has no server. */
function cachedRun(passes: readonly Pass[]): number {
  const runs = passes.flatMap(({ hosts }) => hosts.flatMap((host) => host.runs));
  return median(runs.filter(({ cached }) => cached).map(({ from, to }) => to - from));
}

function hiera(reruns: string): string {
  return `cluster::size: ${HOSTS}\ncluster::reruns: ${reruns}\n`;
}

function heading(text: string): void {
  console.log(`\n== ${new Date().toTimeString().slice(0, 8)} ${text}`);
}
