import { afterAll, beforeAll, describe, vi } from 'vitest';
import { type Bench, makeBench } from '../../support/machine/bench.ts';
import { thisMachine } from '../../support/machine/local.ts';
import { openPrivateMachine } from '../../support/machine/private.ts';
import { type PuppetServer, startServer } from '../../support/machine/server.ts';
import { openSession, type Session } from '../../support/machine/session.ts';
import type { Puppet } from '../../support/machine/world.ts';
import { agentScenarios } from './scenarios/agent.ts';
import { applyScenarios } from './scenarios/apply.ts';
import { chainScenarios } from './scenarios/chain.ts';
import { coalescingScenarios } from './scenarios/coalescing.ts';
import { defaultPlaceScenarios } from './scenarios/default-places.ts';
import { deliveryScenarios } from './scenarios/delivery.ts';
import { deltaScenarios } from './scenarios/delta.ts';
import { faultScenarios } from './scenarios/faults.ts';
import { puppetRuleScenarios } from './scenarios/puppet-rules.ts';
import { raceScenarios } from './scenarios/race.ts';
import { refusalScenarios } from './scenarios/refusals.ts';
import { signalScenarios } from './scenarios/signals.ts';

/** Debian 12's own. */
const puppet: Puppet = { command: '/usr/bin/puppet', waitsForLock: true };

// A scenario is two Puppets one after the other, and some waiting: more at once than these would only keep each other waiting.
// Every wait inside has a deadline of its own, with a message that says more than that of a test that took too long.
vi.setConfig({ maxConcurrency: 4, testTimeout: 900_000, hookTimeout: 300_000 });

let session: Session;
let server: Promise<PuppetServer>;
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  session = await openSession();
  // Half a minute of work that the scenarios without a server needn't wait for.
  server = startServer(thisMachine, puppet, `${session.root}/server`, session.module);
  server.catch(() => {}); // told to whoever asks for it
});

afterAll(async () => {
  for (const close of closers) await close();
  await session?.close();
});

/** A bench whose machine is there when the first scenario asks for it. */
function bench(name: string, machine = async () => thisMachine): Bench {
  let made: Promise<Bench> | undefined;
  const make = async () =>
    makeBench({
      node: await machine(),
      puppet,
      module: session.module,
      dir: `${session.root}/${name}`,
      server: () => server,
    });
  return {
    puppet,
    server: () => server,
    world: async (context, options) => {
      made ??= make();
      return (await made).world(context, options);
    },
  };
}

async function privateMachine() {
  const machine = await openPrivateMachine(thisMachine, `${session.root}/private`);
  closers.push(machine.close);
  return machine.node;
}

/** Tests of races, coalescing, faults and delivery have one try, on every machine: what they look for may show itself once in a hundred times. */
const once = { retry: 0 };

describe.concurrent('puppet apply', () => applyScenarios(bench('apply')));
describe.concurrent('deltas', () => deltaScenarios(bench('delta')));
describe.concurrent('many notifications', once, () => coalescingScenarios(bench('coalescing')));
describe.concurrent('chains', () => chainScenarios(bench('chain')));
describe.concurrent('faults', once, () => faultScenarios(bench('faults')));
describe.concurrent('delivery', once, () => deliveryScenarios(bench('delivery')));
describe.concurrent('races', once, () => raceScenarios(bench('race')));
describe.concurrent("Puppet's own rules", () => puppetRuleScenarios(bench('rules')));
describe.concurrent('refusals', () => refusalScenarios(bench('refusals')));
describe.concurrent('stray signals', () => signalScenarios(bench('signals')));
describe.concurrent('default places', () => defaultPlaceScenarios(bench('default', privateMachine)));
describe.concurrent('puppet agent', () => agentScenarios(bench('agent')));
