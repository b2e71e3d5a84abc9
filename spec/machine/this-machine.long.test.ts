import { describe } from 'vitest';
import { openBenches } from '../support/machine/private-benches.ts';
import { damageScenarios } from './scenarios/damage.ts';
import { slowWhenScenarios } from './scenarios/when.ts';

const bench = openBenches();

describe.concurrent('damage', { retry: 0 }, () => damageScenarios(bench('damage')));
describe.concurrent('conditions', { retry: 0 }, () => slowWhenScenarios(bench('slow-when')));
