import { describe } from 'vitest';
import { openBenches } from '../support/machine/private-benches.ts';
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

const bench = openBenches({ serverSoon: true });

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
