import { matrix } from './matrix.ts';

matrix('openvox_9_gem');
