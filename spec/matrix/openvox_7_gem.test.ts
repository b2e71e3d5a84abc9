import { matrix } from './matrix.ts';

matrix('openvox_7_gem');
