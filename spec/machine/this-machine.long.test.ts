import { describe } from 'vitest';
import { openBenches } from '../support/machine/private-benches.ts';
import { slowAgentScenarios } from './scenarios/agent.ts';
import { slowChainScenarios } from './scenarios/chain.ts';
import { slowCoalescingScenarios } from './scenarios/coalescing.ts';
import { damageScenarios } from './scenarios/damage.ts';
import { slowDeliveryScenarios } from './scenarios/delivery.ts';
import { slowDeltaScenarios } from './scenarios/delta.ts';
import { slowFaultScenarios } from './scenarios/faults.ts';
import { slowOverdueScenarios } from './scenarios/overdue.ts';
import { slowRaceScenarios } from './scenarios/race.ts';
import { slowRefusalScenarios } from './scenarios/refusals.ts';
import { slowScriptScenarios } from './scenarios/scripts.ts';
import { slowSiteScenarios } from './scenarios/sites.ts';
import { slowVariableScenarios } from './scenarios/variables.ts';
import { slowWhenScenarios } from './scenarios/when.ts';

const bench = openBenches();

/** As in this-machine.test.ts. */
const once = { retry: 0 };

describe.concurrent('damage', once, () => damageScenarios(bench('damage')));
describe.concurrent('deltas', () => slowDeltaScenarios(bench('slow-delta')));
describe.concurrent('conditions', once, () => slowWhenScenarios(bench('slow-when')));
describe.concurrent('many notifications', once, () => slowCoalescingScenarios(bench('slow-coalescing')));
describe.concurrent('chains', () => slowChainScenarios(bench('slow-chain')));
describe.concurrent('faults', once, () => slowFaultScenarios(bench('slow-faults')));
describe.concurrent('delivery', once, () => slowDeliveryScenarios(bench('slow-delivery')));
describe.concurrent('races', once, () => slowRaceScenarios(bench('slow-race')));
describe.concurrent('refusals', () => slowRefusalScenarios(bench('slow-refusals')));
describe.concurrent('what sites have', () => slowSiteScenarios(bench('slow-sites')));
describe.concurrent('puppet agent', () => slowAgentScenarios(bench('slow-agent')));
describe.concurrent('scripts', once, () => slowScriptScenarios(bench('slow-scripts')));
describe.concurrent('overdue', once, () => slowOverdueScenarios(bench('slow-overdue')));
describe.concurrent('variables', once, () => slowVariableScenarios(bench('slow-variables')));
