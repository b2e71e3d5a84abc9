import { describe } from 'vitest';
import { openBenches } from '../support/machine/private-benches.ts';
import { damageScenarios } from './scenarios/damage.ts';

const bench = openBenches();

describe.concurrent('damage', { retry: 0 }, () => damageScenarios(bench('damage')));
