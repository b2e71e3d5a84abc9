import { afterAll, beforeAll, describe, vi } from 'vitest';
import { type Bench, makeBench } from '../support/machine/bench.ts';
import { thisMachine } from '../support/machine/local.ts';
import { openPrivateMachine } from '../support/machine/private.ts';
import { type PuppetServer, startServer } from '../support/machine/server.ts';
import { openSession, type Session } from '../support/machine/session.ts';
import { testPuppet } from '../support/machine/world.ts';
import { agentScenarios } from './scenarios/agent.ts';
import { applyScenarios } from './scenarios/apply.ts';
import { brokenOffScenarios } from './scenarios/broken-off.ts';
import { chainScenarios } from './scenarios/chain.ts';
import { coalescingScenarios } from './scenarios/coalescing.ts';
import { defaultPlaceScenarios } from './scenarios/default-places.ts';
import { deliveryScenarios } from './scenarios/delivery.ts';
import { deltaScenarios } from './scenarios/delta.ts';
import { diskScenarios } from './scenarios/disk.ts';
import { faultScenarios } from './scenarios/faults.ts';
import { namespaceScenarios } from './scenarios/namespaces.ts';
import { overdueScenarios } from './scenarios/overdue.ts';
import { puppetRuleScenarios } from './scenarios/puppet-rules.ts';
import { raceScenarios } from './scenarios/race.ts';
import { refusalScenarios } from './scenarios/refusals.ts';
import { scriptScenarios } from './scenarios/scripts.ts';
import { signalScenarios } from './scenarios/signals.ts';
import { siteScenarios } from './scenarios/sites.ts';
import { variableScenarios } from './scenarios/variables.ts';
import { whenScenarios } from './scenarios/when.ts';

// A scenario is two Puppets one after the other, and some waiting: more at once than these would only keep each other waiting.
// Every wait inside has a deadline of its own, with a message that says more than that of a test that took too long.
vi.setConfig({ maxConcurrency: 4, testTimeout: 900_000, hookTimeout: 300_000 });

let session: Session;
let server: Promise<PuppetServer>;

beforeAll(async () => {
  session = await openSession();
  // Half a minute of work that the scenarios without a server needn't wait for.
  server = startServer(thisMachine, testPuppet, `${session.root}/server`, session.module);
  server.catch(() => {}); // told to whoever asks for it
});

afterAll(async () => {
  await session?.close();
});

/**
 * A bench whose worlds are machines of their own: one Puppet runs at a time on a machine, and each waiter waits for the runs of all others there.
 */
function bench(name: string): Bench {
  let machines = 0;
  return {
    puppet: testPuppet,
    server: () => server,
    world: async (context, options) => {
      machines += 1;
      const dir = `${session.root}/${name}${machines}`;
      const machine = await openPrivateMachine(thisMachine, `${dir}-machine`);
      context.onTestFinished(() => machine.close(), 60_000); // after the world's own end: the last one first
      const { world } = makeBench({
        node: machine.node,
        puppet: testPuppet,
        module: session.module,
        dir,
        server: () => server,
      });
      return world(context, options);
    },
  };
}

/** Tests of races, coalescing, faults, delivery and the like have one try, on every machine: what they look for may show itself once in a hundred times. */
const once = { retry: 0 };

describe.concurrent('puppet apply', () => applyScenarios(bench('apply')));
describe.concurrent('deltas', () => deltaScenarios(bench('delta')));
describe.concurrent('conditions', once, () => whenScenarios(bench('when')));
describe.concurrent('many notifications', once, () => coalescingScenarios(bench('coalescing')));
describe.concurrent('chains', () => chainScenarios(bench('chain')));
describe.concurrent('faults', once, () => faultScenarios(bench('faults')));
describe.concurrent('delivery', once, () => deliveryScenarios(bench('delivery')));
describe.concurrent('races', once, () => raceScenarios(bench('race')));
describe.concurrent("Puppet's own rules", () => puppetRuleScenarios(bench('rules')));
describe.concurrent('refusals', () => refusalScenarios(bench('refusals')));
describe.concurrent('what sites have', () => siteScenarios(bench('sites')));
describe.concurrent('stray signals', once, () => signalScenarios(bench('signals')));
describe.concurrent('default places', () => defaultPlaceScenarios(bench('default')));
describe.concurrent('puppet agent', () => agentScenarios(bench('agent')));
describe.concurrent('scripts', once, () => scriptScenarios(bench('scripts')));
describe.concurrent('overdue', once, () => overdueScenarios(bench('overdue')));
describe.concurrent('broken off', once, () => brokenOffScenarios(bench('broken-off')));
describe.concurrent('variables', once, () => variableScenarios(bench('variables')));
describe.concurrent('containers', once, () => namespaceScenarios(bench('containers')));
describe.concurrent('a small disk', once, () => diskScenarios(bench('disk')));
