import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../../scripts/project.mjs';
import type { Container } from '../../spec/support/container/container.ts';
import type { Network } from '../../spec/support/container/network.ts';
import { type FleetAgent, openFleetAgent } from '../../spec/support/fleet/agent.ts';
import type { Place } from '../../spec/support/fleet/names.ts';
import { type FleetServer, START_MS } from '../../spec/support/fleet/server.ts';
import { executableName } from '../../spec/support/machine/session.ts';
import { until } from '../../spec/support/wait.ts';
import { countCpu } from './cpu.ts';
import type { Pass, Span } from './story.ts';
import { type Watch, watchHost } from './watch.ts';

/** A host that comes this many seconds after the first one. */
const LATE = 60;

/** How long a pass may take. */
const patience = { seconds: 30 * 60 };

/** How the hosts of a pass are started, and what befalls them. */
export interface Plan {
  readonly name: string;
  readonly places: readonly Place[];
  /** Seconds from the first host's start to each host's. */
  readonly offsets: readonly number[];
  readonly start: (agent: FleetAgent) => Promise<void>;
}

/** A plan's random part: all hosts in random order within 15 seconds, but for the last one of that order, which is late. */
export function randomOffsets(count: number): number[] {
  const early = Array.from({ length: count - 1 }, () => Math.round(Math.random() * 150) / 10);
  const first = Math.min(...early);
  const late = Math.floor(Math.random() * count);
  return early.map((offset) => offset - first).toSpliced(late, 0, LATE);
}

/**
 * Lets a cluster converge without any action by hand: one host is rebooted when it has seen the quorum, and the server is restarted when the late host has had its first
 * run.
 */
export async function runPass(
  network: Network,
  server: FleetServer,
  plan: Plan,
): Promise<{ pass: Pass; agents: FleetAgent[] }> {
  const agents = await Promise.all(plan.places.map((place) => openFleetAgent(network, place)));
  await Promise.all(agents.map(prepare));
  const cpu = countCpu(server);
  const began = performance.now();
  const now = () => (performance.now() - began) / 1000;
  const watches = agents.map((agent) => watchHost(agent, now));
  const tell = (line: string) => console.log(`${now().toFixed(0).padStart(4)} s  ${line}`);
  const convergence = watches.map(async (watch, index) => {
    const { host } = agents[index] as FleetAgent;
    await until(`${host} to be configured`, () => watch.state() === 'configured' && watch.isIdle(), patience);
    tell(`${host} is configured, after ${watch.runs().length} runs`);
  });

  const used = () => cpu.read().puppetserver;
  const rebooted = plan.offsets.indexOf(0);
  const late = plan.offsets.indexOf(LATE);
  const [, , restarted] = await Promise.all([
    Promise.all(agents.map((agent, index) => startAt(agent, plan, plan.offsets[index] ?? 0, tell))),
    until('a quorum', () => watches[rebooted]?.state() === 'quorum', patience).then(async () => {
      tell(`${agents[rebooted]?.host} is rebooted`);
      await agents[rebooted]?.box.reboot();
    }),
    until("the late host's first run", () => hasRun(watches[late]), patience).then(async () => {
      tell(`the server is restarted, after ${used().toFixed(0)} s of CPU`);
      const restarted = await restartServer(server.box, now, used);
      tell(`the server is back, after ${restarted.cpu.toFixed(0)} s of CPU more`);
      return restarted;
    }),
    ...convergence,
  ]);
  const convergedAt = now();
  const hosts = watches.map((watch, index) => watch.stop(plan.offsets[index] ?? 0));
  const { away, cpu: restart } = restarted;
  return {
    pass: { name: plan.name, hosts, serverAway: [away], convergedAt, cpu: cpu.stop(), restart },
    agents,
  };
}

/** As a host whose image has the module's executable, and that has had its certificate before: whether a pass is quick must not hang on these. */
async function prepare({ box }: FleetAgent): Promise<void> {
  const executable = readFileSync(join(root, 'files/again', executableName));
  box.writeFile('/var/lib/puppet/tmp/common/again/again', executable, 0o754);
  await box.exec(['puppet', 'ssl', 'bootstrap'], { timeoutMs: START_MS });
}

function hasRun(watch: Watch | undefined): boolean {
  return watch?.state() !== undefined && watch.isIdle();
}

async function startAt(agent: FleetAgent, plan: Plan, offset: number, tell: (line: string) => void) {
  await sleep(offset * 1000);
  tell(`${agent.host} is started`);
  await plan.start(agent);
}

/** Restarts Puppet Server. Returns when it was away, and the CPU time that this took. */
async function restartServer(
  box: Container,
  now: () => number,
  used: () => number,
): Promise<{ away: Span; cpu: number }> {
  const [from, before] = [now(), used()];
  await box.exec(['systemctl', 'restart', 'puppetserver'], { timeoutMs: START_MS });
  return { away: { from, to: now() }, cpu: used() - before };
}
